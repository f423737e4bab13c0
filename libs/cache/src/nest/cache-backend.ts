import { HttpException } from '@nestjs/common';
import type { CacheOptions } from '../core/options';
import { CacheError } from '../core/errors';
import type { BreakerState } from '../core/events';
import { systemClock } from '../core/ports/clock';
import type { RemoteStore } from '../core/ports/remote-store';
import { Strata } from '../core/strata';
import type { TieredCache } from '../core/tiered-cache';
import { HotKeys } from '../core/warming/hot-keys';
import { resolveWarmOptions } from '../core/warming/options';
import type { Warmer } from '../core/warming/warmer';
import { LruLocalStore } from '../drivers/memory/lru-local-store';
import { KeyValueRemoteStore } from '../drivers/key-value';
import { nullBus, nullRemoteStore } from '../drivers/null';
import {
  redisClusterDriver,
  redisDriver,
  type DriverOptions,
  type RedisDriver,
  type RedisTarget,
} from '../drivers/redis';
import { richSerializer } from '../drivers/serializers/rich-serializer';
import { openRedisClient } from '../interop/ioredis-yet';
import type { Representation } from '../http/representation';
import type { CacheRequest } from './cache-request';
import { checkModuleOptions } from './check-options';
import type { Identify } from './http-key';
import { ForOneOnly as ForMethodOnly } from './methods/for-one-only';
import { ForOneOnly } from './http-load';
import type { CacheModuleOptions } from './options';
import { representationSerializer } from './representation-serializer';
import { Warming } from './warming';
import { warnOfRefusals } from './warn-of-refusals';

/** Options that are about the values of a cache: those of answers are fixed. */
type OfValues = 'serializer' | 'isNegative' | 'isStaleAllowed';

/** What is known of L2 without asking it. */
export interface RedisState {
  readonly configured: boolean;
  readonly connected: boolean;
  readonly breaker: BreakerState;
  /** Commands that wait for their answer. */
  readonly inFlight: number;
  /** How often a working connection was lost or given up since start. */
  readonly outages: number;
}

const NO_REDIS: RedisState = { configured: false, connected: false, breaker: 'closed', inFlight: 0, outages: 0 };

/**
 * The cache of one application: the core wired to its drivers. Inject it to reach named caches,
 * invalidation and statistics.
 *
 * @publicApi
 */
export class CacheBackend {
  private readonly named = new Map<string, TieredCache>();
  private readonly declared = new Map<string, Omit<CacheOptions, OfValues>>();
  private readonly httpNames = new Set<string>();
  private readonly ofHttp = new Map<string, TieredCache<Representation>>();
  private closed = false;

  private constructor(
    private readonly options: CacheModuleOptions,
    readonly strata: Strata,
    private readonly driver: RedisDriver | undefined,
    private readonly warming: Warming | undefined,
  ) {}

  /** Builds everything without waiting for Redis. @throws CacheError `INVALID_OPTIONS` */
  static async create(options: CacheModuleOptions): Promise<CacheBackend> {
    checkModuleOptions(options);
    const warm = resolveWarmOptions(options.warm);
    const driver = await openDriver(options);
    const hotKeys =
      driver === undefined || warm.keys === 0 ? undefined : new HotKeys(driver.hotKeys, warm, systemClock);
    const strata = new Strata({
      remote: driver?.remote ?? otherStore(options) ?? nullRemoteStore(),
      bus: driver?.bus ?? nullBus(),
      createLocalStore: (bounds, listener) => new LruLocalStore(bounds, listener, systemClock),
      ...(hotKeys === undefined ? {} : { observeReads: (cache: string) => hotKeys.observer(cache) }),
      ...(options.trace === undefined ? {} : { trace: options.trace }),
      coherence: driver === undefined ? 'off' : (options.coherence ?? 'acknowledged'),
      ...(options.leaseMs === undefined ? {} : { leaseMs: options.leaseMs }),
      ...(options.maxStaleMs === undefined ? {} : { maxStaleMs: options.maxStaleMs }),
      ...(options.undelivered === undefined ? {} : { undelivered: options.undelivered }),
    });
    warnOfRefusals(strata);
    const warming = hotKeys && new Warming(strata, hotKeys, warm);
    const backend = new CacheBackend(options, strata, driver, warming);
    // Made now, not on the first request: wrong options stop the start.
    backend.httpCache();
    return backend;
  }

  get enabled(): boolean {
    return this.options.enabled ?? true;
  }

  /** See {@link CacheModuleOptions.identify}. */
  get identify(): Identify | undefined {
    return this.options.identify;
  }

  /** See {@link CacheModuleOptions.mayRefresh}. */
  mayRefresh(request: CacheRequest): boolean {
    return this.options.mayRefresh?.(request) ?? false;
  }

  /** The cache of that name with the module's defaults; `options` count on first use only. */
  cache<T = unknown>(name: string, options: CacheOptions<T> = {}): TieredCache<T> {
    return this.strata.cache<T>(name, { ...this.options.defaults, ...options });
  }

  /** A cache of HTTP answers. Its serializer and its rules for errors are fixed here, whoever asks first. */
  httpCache(name = 'http'): TieredCache<Representation> {
    return this.ofHttp.get(name) ?? this.makeHttpCache(name);
  }

  private makeHttpCache(name: string): TieredCache<Representation> {
    // One that was declared holds values of methods; answers under the same name are kept apart, with its options.
    const declared = this.declared.get(name);
    if (declared === undefined) this.httpNames.add(name);
    const made = this.cache<Representation>(declared === undefined ? name : `${name}-http`, {
      ...declared,
      serializer: representationSerializer,
      isNegative: (representation) => representation.status >= 400,
      // RFC 5861, section 4: stale may stand in for a failure of the server, not for a verdict on the request.
      isStaleAllowed: (error) =>
        error instanceof HttpException ? error.getStatus() >= 500 : !(error instanceof ForOneOnly),
    });
    this.ofHttp.set(name, made);
    return made;
  }

  /** A cache of what methods return. One that was made by another name keeps its own serializer. */
  methodCache(name = 'methods'): TieredCache {
    const kept = this.named.get(name);
    if (kept !== undefined) return kept;
    const own = this.httpNames.has(name) ? `${name}-methods` : name;
    return this.cache(own, {
      serializer: richSerializer,
      isStaleAllowed: (error) => !(error instanceof ForMethodOnly),
    });
  }

  /** Makes a named cache with options of its own, before anybody else asks for it. See `CacheModule.forFeature`. */
  declare(name: string, options: CacheOptions): TieredCache {
    const isStaleAllowed = (error: unknown): boolean =>
      !(error instanceof ForMethodOnly) && (options.isStaleAllowed?.(error) ?? true);
    const cache = this.cache(name, { serializer: richSerializer, ...options, isStaleAllowed });
    this.named.set(name, cache);
    this.ofHttp.delete(name);
    const { serializer: _serializer, isNegative: _isNegative, isStaleAllowed: _isStaleAllowed, ...others } = options;
    this.declared.set(name, others);
    return cache;
  }

  /** False once the application is closing. */
  get isOpen(): boolean {
    return !this.closed;
  }

  /** State of L2: `connected` is false while it cannot be used, and when there is none. */
  get redis(): RedisState {
    const link = this.driver?.link;
    if (link === undefined) return NO_REDIS;
    const { available: connected, breaker, inFlight, outages } = link;
    return { configured: true, connected, breaker, inFlight, outages };
  }

  /** Brings the hottest keys into L1. `undefined`: there is no Redis to remember them, or `warm.keys` is 0. */
  get warmer(): Warmer | undefined {
    return this.warming?.warmer;
  }

  /** Waits shortly for Redis, the first lease and warm caches; goes on without them when they do not come. */
  async start(): Promise<void> {
    await this.driver?.link.ready(1_000);
    await this.strata.start();
    await this.warming?.start();
  }

  async close(): Promise<void> {
    this.closed = true;
    await this.warming?.stop();
    await this.strata.close();
    this.driver?.close();
  }
}

function otherStore({ store, namespace, enabled }: CacheModuleOptions): RemoteStore | undefined {
  if (store === undefined || enabled === false) return undefined;
  return new KeyValueRemoteStore(store, namespace === undefined ? {} : { namespace });
}

async function openDriver(options: CacheModuleOptions): Promise<RedisDriver | undefined> {
  if (options.redis === undefined || options.enabled === false) return undefined;
  if (options.store !== undefined) throw new CacheError('INVALID_OPTIONS', 'give redis or store, not both');
  const settings: DriverOptions = {
    namespace: options.namespace ?? 'strata',
    ...(options.redisTimeoutMs === undefined ? {} : { timeoutMs: options.redisTimeoutMs }),
  };
  const driver = await connectTo(options.redis, settings);
  const { onBreakerChange } = options;
  if (onBreakerChange !== undefined) driver.link.onChange({ breakerChanged: onBreakerChange });
  return driver;
}

async function connectTo(target: RedisTarget, settings: DriverOptions): Promise<RedisDriver> {
  if (target.cluster !== undefined) {
    const { cluster, ...credentials } = target;
    return redisClusterDriver(cluster.addresses, (node) => openRedisClient({ ...credentials, node }), settings);
  }
  const [commands, subscriber] = [await openRedisClient(target), await openRedisClient(target)];
  return redisDriver({ commands, subscriber }, settings);
}
