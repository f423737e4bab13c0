import { CacheError } from '../core/errors';
import type { EntryOptions } from '../core/options';
import type { CacheRequest } from './cache-request';

/** Options of {@link Cacheable}. */
export interface CacheableOptions extends Pick<
  EntryOptions,
  'ttl' | 'ttlJitter' | 'staleWhileRevalidate' | 'staleIfError' | 'negativeTtl'
> {
  /** Named cache that holds the entries. @default 'http' */
  readonly cache?: string;
  /**
   * Key of the request, made of declared inputs only; `canonicalKey` builds one. `undefined` bypasses
   * the cache: return it for input that the handler's pipes will refuse. Pipes have not run yet.
   */
  readonly key: (request: CacheRequest) => string | undefined;
  /** What the answer depends on. @default [] */
  readonly tags?: (request: CacheRequest) => readonly string[];
  /**
   * `public`: one answer for all callers, also for requests with `Authorization` or cookies. Without it
   * such requests bypass the cache.
   */
  readonly scope?: 'public';
  /** Error statuses kept as negative entries for `negativeTtl`. @default [] */
  readonly negativeStatuses?: readonly number[];
}

/** Options of {@link CacheEvict}. */
export interface CacheEvictOptions {
  /** Tags to invalidate after the handler has succeeded; a `Touched` result adds its own. */
  readonly tags?: (request: CacheRequest, result: unknown) => readonly string[];
  /** Everything in the namespace. @default false */
  readonly allEntries?: boolean;
}

/** {@link CacheableOptions}, checked and frozen when the class is defined. */
export interface CacheableOperation {
  readonly cache: string;
  readonly key: CacheableOptions['key'];
  readonly tags: (request: CacheRequest) => readonly string[];
  readonly isPublic: boolean;
  readonly negativeStatuses: readonly number[];
  readonly entry: EntryOptions;
}

/** {@link CacheEvictOptions}, checked and frozen when the class is defined. */
export interface CacheEvictOperation {
  readonly tags: (request: CacheRequest, result: unknown) => readonly string[];
  readonly allEntries: boolean;
}

/** @throws CacheError `INVALID_OPTIONS`: a wrong decorator fails the start, not a request */
export function parseCacheable(options: CacheableOptions, where: string): CacheableOperation {
  if (typeof options?.key !== 'function') {
    throw new CacheError('INVALID_OPTIONS', `@Cacheable on ${where}: "key" must be a function of the request`);
  }
  const { ttl, ttlJitter, staleWhileRevalidate, staleIfError, negativeTtl } = options;
  return Object.freeze({
    cache: options.cache ?? 'http',
    key: options.key,
    tags: options.tags ?? (() => []),
    isPublic: options.scope === 'public',
    negativeStatuses: Object.freeze([...(options.negativeStatuses ?? [])]),
    entry: Object.freeze({ ttl, ttlJitter, staleWhileRevalidate, staleIfError, negativeTtl }),
  });
}

/** @throws CacheError `INVALID_OPTIONS` */
export function parseCacheEvict(options: CacheEvictOptions, where: string): CacheEvictOperation {
  if (options.tags === undefined && options.allEntries !== true) {
    throw new CacheError('INVALID_OPTIONS', `@CacheEvict on ${where}: give "tags" or "allEntries: true"`);
  }
  return Object.freeze({ tags: options.tags ?? (() => []), allEntries: options.allEntries ?? false });
}
