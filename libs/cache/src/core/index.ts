export { Strata, type StrataOptions } from './strata';
export { TieredCache } from './tiered-cache';
export type { ReadOptions } from './read-options';
export type { EntryExplanation, EntryFacts, EntryState } from './explain';
export { MAX_KEY_LENGTH } from './keys';
export type { PutResult } from './puts';
export type { Loader, LoaderContext } from './loader-context';
export type { ManyLoader } from './batch-load';
export type { ReadResult, ReadSource } from './read-result';
export { CacheError, isCacheError, CACHE_ERROR_CODES, type CacheErrorCode } from './errors';
export { toMilliseconds, type Duration } from './duration';
export {
  ENTRY_DEFAULTS,
  resolveCacheOptions,
  type CacheOptions,
  type EntryOptions,
  type ResolvedCacheOptions,
} from './options';
export type {
  BreakerState,
  BusMessageKind,
  CacheEvent,
  CacheEventListener,
  CacheEventName,
  CacheOperation,
  CacheTracer,
  MissReason,
  TierName,
} from './events';
export { hitRate, newCounters, type CacheCounters, type LocalCounters, type RemoteCounters } from './stats';
export type { Entry } from './entry';
export type { Lifetime } from './lifetime';
export { jsonSerializer, stringWeight } from './json-serializer';
export { BORN_OFFSET } from './codec';
export type { CoherenceMode } from './coherence/coherence-state';
export type { InvalidationResult, UndeliveredPolicy } from './coherence/invalidator';
export { HotKeys } from './warming/hot-keys';
export { Warmer, type KeyWarmer, type WarmLoad, type WarmProgress } from './warming/warmer';
export { resolveWarmOptions, type ResolvedWarmOptions, type WarmOptions } from './warming/options';
export { livesInHead } from './coherence/tags';
export { systemClock, delay, type Clock, type Timer } from './ports/clock';
export type * from './ports/bus';
export type * from './ports/hot-key-store';
export type * from './ports/local-store';
export type * from './ports/remote-store';
export type * from './ports/serializer';
