import type { NestInterceptor, Type } from '@nestjs/common';
import type { CoherenceMode } from '../core/coherence/coherence-state';
import type { UndeliveredPolicy } from '../core/coherence/invalidator';
import type { CacheOptions } from '../core/options';
import type { WarmOptions } from '../core/warming/options';
import type { CacheRequest } from './cache-request';
import type { Identify } from './http-key';
import type { BreakerState, CacheTracer } from '../core/events';
import type { KeyValueStore } from '../drivers/key-value';
import type { RedisTarget } from '../drivers/redis';

/** A `preSerialization` hook of Fastify, or all of them. */
type SerializationHook = ((...given: never[]) => unknown) | 'preSerialization';

/** Options of {@link CacheModule}. */
export interface CacheModuleOptions {
  /** False: handlers run uncached and evictions do nothing. @default true */
  readonly enabled?: boolean;
  /** Name under which everything lives in Redis; instances that share it share L2. @default 'strata' */
  readonly namespace?: string;
  /** Where L2 is. Absent: L1 alone. */
  readonly redis?: RedisTarget | undefined;
  /**
   * Another L2 instead of Redis: a Keyv, or a store of cache-manager. There is no bus then and coherence is
   * `off`: other instances' L1 copies live for their `localTtl`. See `docs/concepts/other-stores.md`.
   */
  readonly store?: KeyValueStore;
  /** Who asks, for routes of the scopes `user` and `tenant` that do not say so themselves. @default nobody: bypass */
  readonly identify?: Identify;
  /**
   * Whose `Cache-Control: no-cache` or `max-age=0` forces a load. Everybody's would be a way to overload what is
   * behind the cache. @default nobody's
   */
  readonly mayRefresh?: (request: CacheRequest) => boolean;
  /** Age of the oldest unanswered command at which Redis counts as hung, in milliseconds. @default 50 */
  readonly redisTimeoutMs?: number;
  /** @default 'acknowledged'; without Redis always 'off' */
  readonly coherence?: CoherenceMode;
  /** @default 2000 */
  readonly leaseMs?: number;
  /** @default 0 */
  readonly maxStaleMs?: number;
  /** @default 'defer' */
  readonly undelivered?: UndeliveredPolicy;
  /** Defaults of every named cache of this module. */
  readonly defaults?: Omit<CacheOptions, 'serializer' | 'isNegative'>;
  /**
   * Bringing the hottest keys back at start, see `docs/concepts/warming.md`. Needs Redis, which keeps them.
   *
   * @default on, with the defaults of {@link WarmOptions}
   */
  readonly warm?: WarmOptions;
  /** Runs around loads, operations of L2 and invalidations, for traces: `openTelemetryTracer()` of `@strata/metrics`. */
  readonly trace?: CacheTracer | undefined;
  /**
   * Interceptors around cached routes (of the application, of a class), and `preSerialization` hooks of Fastify, that do
   * not look at what handlers return, such as those that measure or log: classes, or the very objects and functions;
   * `'preSerialization'` for all such hooks. Interceptors are given bytes of the cache, hooks are not asked; any other one
   * around a cached route ends the start, since what it would take out of an object it does not find in bytes.
   *
   * @default none
   */
  readonly transparentInterceptors?: readonly (Type<NestInterceptor> | NestInterceptor | SerializationHook)[];
  /** Told of each transition of the breaker in front of Redis, once. */
  readonly onBreakerChange?: (state: BreakerState, reason: string) => void;
}
