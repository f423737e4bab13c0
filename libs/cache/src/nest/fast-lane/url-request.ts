import type { CacheRequest } from '../cache-request';

/** What a URL determines of a request. */
const OF_URL = new Set<PropertyKey>(['method', 'params', 'query']);

/** A function of the request has read what its URL does not determine. */
export class NotOfUrl extends Error {}

/**
 * The request as its URL determines it: what a key, tag or condition function may see so that its answer holds for
 * every request to this URL.
 *
 * @throws NotOfUrl (the returned object does) when anything else is read, listed or looked for
 */
export function requestOfUrl({ method, params, query }: CacheRequest): CacheRequest {
  const refuse = (name: PropertyKey): never => {
    throw new NotOfUrl(`it reads "${String(name)}" of the request`);
  };
  return new Proxy({ method, params, query } as CacheRequest, {
    get: (target, name) => (OF_URL.has(name) ? target[name as keyof CacheRequest] : refuse(name)),
    has: (_target, name) => OF_URL.has(name) || refuse(name),
    ownKeys: () => refuse('everything'),
  });
}
