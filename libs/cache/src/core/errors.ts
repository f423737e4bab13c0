/** Every code a {@link CacheError} can carry; `docs/reference/errors.md` explains each. */
export const CACHE_ERROR_CODES = [
  'INVALID_OPTIONS',
  'INVALID_KEY',
  'INVALID_TAG',
  'L2_UNAVAILABLE',
  'ENTRY_REFUSED',
  'INVALIDATION_UNDELIVERED',
  'LOAD_TIMEOUT',
  'NOTHING_STALE',
] as const;

/** Union of the error codes of this library. */
export type CacheErrorCode = (typeof CACHE_ERROR_CODES)[number];

/**
 * The only error class of this library. A loader's own error is never wrapped in it.
 *
 * @publicApi
 */
export class CacheError extends Error {
  constructor(
    readonly code: CacheErrorCode,
    message: string,
    options?: ErrorOptions,
  ) {
    super(message, options);
    this.name = 'CacheError';
  }
}

/** True for an error of this library, with `code` when one is given. */
export function isCacheError(error: unknown, code?: CacheErrorCode): error is CacheError {
  return error instanceof CacheError && (code === undefined || error.code === code);
}
