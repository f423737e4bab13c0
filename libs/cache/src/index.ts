// What an application needs of the core; drivers and tests of drivers take the rest from `@strata/cache/core`.
export {
  CACHE_ERROR_CODES,
  CacheError,
  ENTRY_DEFAULTS,
  hitRate,
  isCacheError,
  jsonSerializer,
  MAX_KEY_LENGTH,
  Strata,
  TieredCache,
  toMilliseconds,
  Warmer,
} from './core';
export type * from './core';
export { richSerializer } from './drivers/serializers/rich-serializer';
export { KeyValueRemoteStore, keyValueStore, type KeyValueStore } from './drivers/key-value';
export { CacheModule } from './nest/cache.module';
export { CacheBackend } from './nest/cache-backend';
export {
  Cacheable,
  CacheConfig,
  CacheEvict,
  CachePut,
  cacheToken,
  Caching,
  InjectCache,
  NoCache,
  type AsyncMethod,
  type MethodDecoratorOf,
} from './nest/decorators';
export type { CacheModuleOptions } from './nest/options';
export type {
  CacheableBase,
  CacheableOptions,
  CacheConfigOptions,
  CacheEvictOptions,
  CachePutOptions,
  CachingOptions,
  MethodCacheableOptions,
  Scope,
} from './nest/decorator-options';
export { fingerprint } from './nest/fingerprint';
export type { CacheRequest } from './nest/cache-request';
export { Touched, touched } from './nest/touched';
export { WithHeaders, withHeaders } from './nest/with-headers';
export { RequestStats, type RequestCounts } from './nest/request-stats';
export { FastLane } from './nest/fast-lane/fast-lane';
export type { FastAnswer, FastLaneOptions } from './nest/fast-lane/options';
export type { Identify } from './nest/http-key';
export { routeWarmer, type WarmRequest } from './nest/route-warmer';
export { canonicalKey, parseCanonicalKey, type KeyPart } from './http/canonical-key';
export { entityTag, matchHits } from './http/entity-tag';
