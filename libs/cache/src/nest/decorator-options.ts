import type { Duration } from '../core/duration';
import type { EntryOptions } from '../core/options';
import type { CacheRequest } from './cache-request';

type Timing = Pick<
  EntryOptions,
  'ttlJitter' | 'staleWhileRevalidate' | 'staleIfError' | 'negativeTtl' | 'softTimeout' | 'hardTimeout'
>;

/** Whose an answer is: everybody's, one user's, or one tenant's. */
export type Scope = 'public' | 'user' | 'tenant';

/**
 * What `@Cacheable` says of a method, `I` being its inputs and `R` what its promise holds. On an HTTP handler the
 * input is the request, on a method of a provider it is the arguments.
 */
export interface CacheableBase<I extends readonly unknown[], R> extends Timing {
  /** Named cache that holds the entries. @default 'http' for handlers, 'methods' for methods of providers */
  readonly cache?: string;
  /**
   * Key of an entry, made of declared inputs only; `canonicalKey` builds one. `undefined` bypasses the cache.
   * On a handler: return it for input that the pipes will refuse, for pipes have not run yet.
   *
   * @default handlers: the route and the `@Param()` and `@Query('name')` that the handler declares; methods: class,
   *   method and all arguments, for arguments of plain data
   */
  readonly key?: (...inputs: I) => string | undefined;
  /** What the value depends on, as far as the inputs tell. @default [] */
  readonly tags?: (...inputs: I) => readonly string[];
  /**
   * What else it depends on, as only the result tells. A read of L2 costs a second round trip where there are such
   * tags. @default []
   */
  readonly resultTags?: (result: R, ...inputs: I) => readonly string[];
  /** Asked before the cache: false bypasses it. @default always */
  readonly condition?: (...inputs: I) => boolean;
  /** Asked after the method: true keeps its result out of the cache. @default never */
  readonly unless?: (result: R, ...inputs: I) => boolean;
  /** Life of an entry, or how it follows from the result. @default `ttl` of the named cache */
  readonly ttl?: Duration | ((result: R, ...inputs: I) => Duration);
  /**
   * Change it when the method or the shape of its result changes: what was kept before is not served any more.
   * `fingerprint` makes one of the functions and schemas that decide the shape. @default ''
   */
  readonly version?: string | number;
}

/** Options of `@Cacheable` on a method of a provider. */
export type MethodCacheableOptions<A extends readonly unknown[] = never[], R = unknown> = CacheableBase<A, R>;

/** Options of `@Cacheable` on an HTTP handler. */
export interface CacheableOptions extends CacheableBase<[request: CacheRequest], unknown> {
  /**
   * `public`: one answer for all callers, also for requests with `Authorization` or cookies. `user`, `tenant`: one
   * for each that {@link identity} names. Without it requests that identify their sender bypass the cache.
   */
  readonly scope?: Scope;
  /**
   * Who asks, for the scopes `user` and `tenant`: from what a guard has verified (`request.user`), never from a
   * header that anybody can set. Nothing, or what is no text, bypasses the cache. @default `identify` of the module
   */
  readonly identity?: (request: CacheRequest) => string | undefined;
  /** Request headers that the answer depends on: part of the key, and of `Vary`. @default [] */
  readonly vary?: readonly string[];
  /** Error statuses kept as negative entries for `negativeTtl`. @default [] */
  readonly negativeStatuses?: readonly number[];
  /**
   * `Cache-Control` of the answers, for caches between here and the reader. `false` = none.
   * @default 'no-cache' (they ask every time, and mostly get a 304), with `private` for the scopes user and tenant
   */
  readonly cacheControl?: string | false;
  /** `CDN-Cache-Control` (RFC 9213): the same for a CDN alone. @default none */
  readonly cdnCacheControl?: string;
  /** True: `Surrogate-Key` carries the tags, beside `Cache-Groups`. @default false */
  readonly surrogateKeys?: boolean;
  /** False: answers carry no `Cache-Groups`. Tags tell every reader what an answer is made of. @default true */
  readonly cacheGroups?: boolean;
}

/** Options of `@CachePut`: the method always runs, and what it has written takes the place of the entry. */
export interface CachePutOptions<I extends readonly unknown[] = [request: CacheRequest], R = unknown> extends Timing {
  /** Named cache. @default 'http' for handlers, 'methods' for methods of providers */
  readonly cache?: string;
  /** Key of the entry that the result replaces: that of the method that reads it. */
  readonly key: (...inputs: I) => string | undefined;
  /** What the value depends on. @default [] */
  readonly tags?: (result: R, ...inputs: I) => readonly string[];
  /** Asked before: false leaves the cache alone. @default always */
  readonly condition?: (...inputs: I) => boolean;
  /** Asked after: true invalidates the entry and keeps no new one. @default never */
  readonly unless?: (result: R, ...inputs: I) => boolean;
  /** @default `ttl` of the named cache */
  readonly ttl?: Duration | ((result: R, ...inputs: I) => Duration);
  /** That of the method that reads it. @default '' */
  readonly version?: string | number;
}

/** Options of `@CacheEvict`. */
export interface CacheEvictOptions<I extends readonly unknown[] = [request: CacheRequest], R = unknown> {
  /** Tags to invalidate after the method has succeeded; a `Touched` result adds its own. @default [] */
  readonly tags?: (result: R, ...inputs: I) => readonly string[];
  /** Key of one entry to delete from {@link cache}. @default none */
  readonly key?: (result: R, ...inputs: I) => string | undefined;
  /** Named cache of {@link key} and {@link allEntries}. @default 'http' for handlers, 'methods' for methods */
  readonly cache?: string;
  /** Everything in {@link cache}, or in the whole namespace when no cache is named. @default false */
  readonly allEntries?: boolean;
  /** That of the method whose entry {@link key} names. @default '' */
  readonly version?: string | number;
  /** Asked before: false leaves the cache alone. @default always */
  readonly condition?: (...inputs: I) => boolean;
  /** True: before the method runs, whether it succeeds or not; the functions are given no result. @default false */
  readonly beforeInvocation?: boolean;
}

/** Defaults for the decorators on the methods of one class, by `@CacheConfig`. */
export type CacheConfigOptions = Pick<
  CacheableOptions,
  | 'cache'
  | 'ttl'
  | 'ttlJitter'
  | 'staleWhileRevalidate'
  | 'staleIfError'
  | 'negativeTtl'
  | 'softTimeout'
  | 'hardTimeout'
  | 'version'
  | 'scope'
  | 'identity'
  | 'vary'
  | 'cacheControl'
  | 'cdnCacheControl'
  | 'surrogateKeys'
  | 'cacheGroups'
>;

/** Several decorators of one kind on one method, by `@Caching`. */
export interface CachingOptions<I extends readonly unknown[] = [request: CacheRequest], R = unknown> {
  readonly put?: readonly CachePutOptions<I, R>[];
  readonly evict?: readonly CacheEvictOptions<I, R>[];
}
