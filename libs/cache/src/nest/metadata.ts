/** Metadata under which a handler carries its parsed operations. */
export const CACHEABLE_METADATA = Symbol('strata:cacheable');
export const CACHE_EVICT_METADATA = Symbol('strata:cache-evict');

/** Token of the options of `CacheModule`. */
export const CACHE_MODULE_OPTIONS = Symbol('strata:options');
