import { MetadataScanner, type ApplicationConfig } from '@nestjs/core';
import { operationsOf, type Class, type Handler } from '../declarations';
import { NEST } from '../metadata';

/** Why no route of the application may be answered before Nest; `undefined`: each is looked at for itself. */
export function objectionToAll(config: ApplicationConfig, controllers: readonly Class[]): string | undefined {
  const guards = [...config.getGlobalGuards(), ...config.getGlobalRequestGuards()];
  if (guards.length > 0) return 'the application has global guards';
  const interceptors = [...config.getGlobalInterceptors(), ...config.getGlobalRequestInterceptors()];
  if (interceptors.length > 0) return 'the application has global interceptors';
  // Newer than some versions of Nest that this runs on.
  const { getGlobalPreRequestHooks } = config as { getGlobalPreRequestHooks?: () => unknown[] };
  if ((getGlobalPreRequestHooks?.call(config).length ?? 0) > 0) return 'the application has hooks before each request';
  const versioning = config.getVersioning();
  if (versioning !== undefined && (versioning.type as number) !== URI_VERSIONING)
    return 'versions are not chosen by the URL';
  const places = controllers.flatMap((controller) => [controller, ...handlersOf(controller)]);
  const isNarrowed = (place: Class | Handler): boolean =>
    [NEST.host, FASTIFY_CONSTRAINTS].some((name) => Reflect.getMetadata(name, place) !== undefined);
  return places.some(isNarrowed) ? 'routes are chosen by more than method and URL' : undefined;
}

/** `VersioningType.URI`. */
const URI_VERSIONING = 0;
/** What `@RouteConstraints` of the Fastify adapter leaves. */
const FASTIFY_CONSTRAINTS = '__fastify_route_constraints__';

/**
 * Why a handler must be reached through Nest's pipeline; `undefined` when a hit may leave before it.
 *
 * @param ours the one interceptor that it may have
 */
export function objectionTo(owner: Class, handler: Handler, ours: unknown): string | undefined {
  const operations = operationsOf(owner, handler);
  const operation = operations?.cacheable;
  if (operations === undefined || operation === undefined || operations.isOff) return 'it is not cached';
  if (operations.put.length + operations.evict.length > 0) return 'it writes';
  if (operation.scope === 'user' || operation.scope === 'tenant') return `its answers are for one ${operation.scope}`;
  if (operation.vary.length > 0) return `its key has request headers in it (${operation.vary.join(', ')})`;
  if (given(NEST.guards, owner, handler).length > 0) return 'it has guards';
  const others = given(NEST.interceptors, owner, handler).filter((one) => one !== ours);
  if (others.length > 0) return 'it has other interceptors';
  return Reflect.hasMetadata(NEST.headers, handler) ? 'it has @Header' : undefined;
}

function given(name: string, ...places: readonly (Class | Handler)[]): unknown[] {
  return places.flatMap((place) => (Reflect.getMetadata(name, place) ?? []) as unknown[]);
}

/** Inherited ones too. */
function handlersOf({ prototype }: Class): Handler[] {
  const methods = prototype as Record<string, Handler>;
  return new MetadataScanner().getAllMethodNames(methods).map((name) => methods[name]!);
}
