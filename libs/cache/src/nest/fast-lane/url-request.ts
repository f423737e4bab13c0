import type { CacheRequest } from '../cache-request';

/** What a URL determines of a request. */
const OF_URL = new Set<PropertyKey>(['method', 'params', 'query']);

/** A function of the request has read what its URL does not determine. */
export class NotOfUrl extends Error {}

/**
 * The request as its URL determines it: what a key, tag or condition function may see so that its answer holds for
 * every request to this URL.
 */
export class UrlRequest {
  /** What has been read besides; not the throw alone tells of it, which a function may catch. */
  beyond: string | undefined;
  /** Throws {@link NotOfUrl} when anything else is read, listed or looked for. */
  readonly request: CacheRequest;

  constructor({ method, params, query }: CacheRequest) {
    const refuse = (name: PropertyKey): never => {
      this.beyond = String(name);
      throw new NotOfUrl(`it reads "${this.beyond}" of the request`);
    };
    this.request = new Proxy({ method, params, query } as CacheRequest, {
      get: (target, name) => (OF_URL.has(name) ? target[name as keyof CacheRequest] : refuse(name)),
      has: (_target, name) => OF_URL.has(name) || refuse(name),
      getOwnPropertyDescriptor: (target, name) =>
        OF_URL.has(name) ? Reflect.getOwnPropertyDescriptor(target, name) : refuse(name),
      ownKeys: () => refuse('everything'),
    });
  }
}
