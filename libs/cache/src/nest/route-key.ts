import { encodeValue } from '../core/encode-value';
import { CacheError } from '../core/errors';
import type { CacheRequest } from './cache-request';
import type { Class, Handler } from './declarations';
import { NEST } from './metadata';
import type { CacheableOperation } from './operations';

/** `RouteParamtypes` of Nest. */
const Input = { response: 1, next: 2, query: 4, param: 5, headers: 6 } as const;

interface RouteArgument {
  readonly data?: unknown;
}

type Pick = (request: CacheRequest) => unknown;

/**
 * The default key of a handler: which route it is, the parameters of its path, and what else it declares to read of the
 * request. What it reads by
 * other ways would be missing from the key, so such a handler must name its key itself.
 *
 * @throws CacheError `INVALID_OPTIONS` that names the input
 */
export function routeKey(
  owner: Class,
  handler: Handler,
  property: string,
  operation: CacheableOperation,
): (request: CacheRequest) => string | undefined {
  const given = (Reflect.getMetadata(NEST.routeArguments, owner, property) ?? {}) as Record<string, RouteArgument>;
  const picks: (readonly [string, Pick])[] = [];
  const problems: string[] = [];
  for (const [id, { data }] of Object.entries(given)) {
    const pick = inputOf(id, data, operation);
    if (typeof pick === 'string') problems.push(pick);
    else if (pick !== undefined) picks.push(pick);
  }
  if (problems.length > 0) {
    const list = problems.sort().join(' and ');
    throw new CacheError('INVALID_OPTIONS', `@Cacheable on ${operation.where} needs a "key": it reads ${list}`);
  }
  const route = encodeValue([...[owner, handler].map(placeOf), operation.where])!;
  return (request) => {
    // All of them, whatever the handler declares: what it calls may know the others from the URL.
    const inputs = encodeValue({
      p: { ...request.params },
      ...Object.fromEntries(picks.map(([name, pick]) => [name, pick(request)])),
    });
    return inputs === undefined ? undefined : `${operation.where} ${inputs} ${route}`;
  };
}

function placeOf(place: Class | Handler): unknown {
  return [NEST.path, NEST.method, NEST.host, NEST.version].map((name) => {
    const value: unknown = Reflect.getMetadata(name, place);
    return typeof value === 'symbol' || value instanceof RegExp ? String(value) : value;
  });
}

/** How one declared input is read, nothing when it is no input, or what stands in the way. */
function inputOf(id: string, data: unknown, { vary }: CacheableOperation) {
  const type = /^\d+:/.test(id) ? Number.parseInt(id, 10) : undefined;
  const name = typeof data === 'string' ? data : undefined;
  if (type === Input.response || type === Input.next || type === Input.param) return undefined;
  if (type === Input.query) {
    if (name === undefined) return "@Query() as a whole: name the parameters, as in @Query('page')";
    const pick: Pick = ({ query }) => query[name];
    return [`q:${name}`, pick] as const;
  }
  // Declared headers are part of every key already.
  if (type === Input.headers && name !== undefined && vary.includes(name.toLowerCase())) return undefined;
  if (type === Input.headers) return '@Headers(): name the header, and add it to "vary"';
  return type === undefined ? 'a parameter of a custom decorator' : 'the request, its body or its session';
}
