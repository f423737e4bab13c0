import { HttpException } from '@nestjs/common';
import { CacheError } from '../core/errors';
import type { LoaderContext } from '../core/loader-context';
import type { KeyWarmer } from '../core/warming/warmer';
import { responseStorable } from '../http/cacheability';
import { EncodedForms } from '../http/encoded-forms';
import type { Representation } from '../http/representation';
import { CacheEvictInterceptor } from './cache-evict.interceptor';
import { CachePutInterceptor } from './cache-put.interceptor';
import type { CacheRequest } from './cache-request';
import { CacheableInterceptor } from './cacheable.interceptor';
import { operationsOf, type Class, type Handler } from './declarations';
import { fullKey } from './http-key';
import { describe, hasBytes, inLowerCase, keptOf, represent, type Described } from './http-load';
import { NEST } from './metadata';
import { WithHeaders } from './with-headers';

/** The request that a key stands for, and what the handler is called with for it. */
export interface WarmRequest {
  readonly params?: Readonly<Record<string, string>>;
  readonly query?: Readonly<Record<string, unknown>>;
  /** Arguments of the handler, as its pipes would make them. */
  readonly args: readonly unknown[];
}

/**
 * A way to load keys of a `@Cacheable` route without a request: calls the handler itself, past guards, pipes and
 * interceptors, and keeps what it returns as the route would. For handlers of scope `public` that
 * say everything in their result (`withHeaders`) or in `@Header`, not through the response object.
 *
 * @param requestOf reads a key of the route back; `undefined` for keys of other routes
 * @throws CacheError `INVALID_OPTIONS` for a method without `@Cacheable`, with a status of its own, or with an
 *   interceptor between the cache and the handler: what that makes of the result is what the route keeps
 */
export function routeWarmer<C extends object>(
  controller: C,
  method: keyof C & string,
  requestOf: (key: string) => WarmRequest | undefined,
): KeyWarmer<Representation> {
  const handler = controller[method] as (this: C, ...args: readonly unknown[]) => unknown;
  const operation = operationsOf(controller.constructor as Class, handler)?.cacheable;
  const problem = operation === undefined ? 'has no @Cacheable' : obstacleIn(handler);
  if (operation === undefined || problem !== undefined) {
    const where = `${controller.constructor.name}.${method}`;
    throw new CacheError('INVALID_OPTIONS', `${where} cannot be warmed: it ${problem}`);
  }
  const headers = declaredHeaders(handler);
  return (key) => {
    const asked = requestOf(key);
    if (asked === undefined) return undefined;
    const request = requestFor(asked);
    const found = fullKey(operation, request, undefined);
    // A key that this request would not be kept under belongs to somebody: a user, a tenant, another version.
    if (!('key' in found) || found.key !== key) return undefined;
    const tags = (operation.tags as (request: CacheRequest) => readonly string[])(request);
    const call = (): unknown => Reflect.apply(handler, controller, asked.args);
    const loader = (loading: LoaderContext<Representation>): Promise<Representation> =>
      run({ operation, request }, call, headers, loading);
    return { loader, options: { ...operation.entry, tags } };
  };
}

function obstacleIn(handler: Handler): string | undefined {
  const status = Reflect.getMetadata(NEST.httpCode, handler) as number | undefined;
  if (status !== undefined && status !== 200) return `answers with ${status}`;
  if (Reflect.getMetadata(NEST.fastifySchema, handler) !== undefined) return 'has a schema, by which Fastify words it';
  const interceptors = (Reflect.getMetadata(NEST.interceptors, handler) ?? []) as unknown[];
  const inside = interceptors.slice(interceptors.indexOf(CacheableInterceptor) + 1);
  const foreign = inside.some((one) => one !== CachePutInterceptor && one !== CacheEvictInterceptor);
  return foreign ? 'has an interceptor between the cache and the handler' : undefined;
}

/** What `@Header` says; a value that is a function is asked by Nest for each answer, and here once. */
function declaredHeaders(handler: Handler): Record<string, string> {
  const declared = (Reflect.getMetadata(NEST.headers, handler) ?? []) as { name: string; value: unknown }[];
  const textOf = (value: unknown): string => String(typeof value === 'function' ? (value as () => unknown)() : value);
  return Object.fromEntries(declared.map(({ name, value }) => [name.toLowerCase(), textOf(value)]));
}

async function run(
  described: Described,
  call: () => unknown,
  headers: Readonly<Record<string, string>>,
  loading: LoaderContext<Representation>,
): Promise<Representation> {
  try {
    const result = await call();
    const answer = result instanceof WithHeaders ? result : new WithHeaders(result, {});
    if (!hasBytes(answer.value)) return nothing(loading, 200);
    const own = inLowerCase(answer.headers);
    describe(described, answer.value, responseStorable({ ...headers, ...own }, described.operation.vary), loading);
    // Nest sets what `@Header` says on every answer, hits included: it is not kept, here as on the route.
    const contentType = own['content-type'] ?? headers['content-type'];
    // The type of a text is a matter of the framework, which has no part in this.
    if (typeof answer.value === 'string' && contentType === undefined) return nothing(loading, 200);
    return represent(answer.value, keptOf(own), { contentType, textType: '', serialize: JSON.stringify });
  } catch (error) {
    // Gone since it was hot: nobody waits for an answer that says so.
    if (error instanceof HttpException && error.getStatus() < 500) return nothing(loading, error.getStatus());
    throw error;
  }
}

function nothing(loading: LoaderContext<Representation>, status: number): Representation {
  loading.doNotStore();
  const headers = { 'content-type': 'application/octet-stream' };
  return { status, headers, body: Buffer.alloc(0), forms: new EncodedForms() };
}

function requestFor({ params = {}, query = {} }: WarmRequest): CacheRequest {
  const request = { method: 'GET', params, query, headers: {}, body: undefined, user: undefined };
  return { ...request, original: request };
}
