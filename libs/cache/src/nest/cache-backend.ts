import { Logger } from '@nestjs/common';
import { resolveCacheOptions, type CacheOptions } from '../core/options';
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
import { openRedisClient } from '../interop/ioredis-yet';
import type { Representation } from '../http/representation';
import type { CacheRequest } from './cache-request';
import { checkModuleOptions } from './check-options';
import type { Identify } from './http-key';
import { closed, opened } from './methods/bindings';
import { NamedCaches } from './named-caches';
import type { CacheModuleOptions } from './options';
import { Warming } from './warming';
import { warnOfRefusals } from './warn-of-refusals';

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
  private readonly caches: NamedCaches;
  private closed = false;

  private constructor(
    private readonly options: CacheModuleOptions,
    readonly strata: Strata,
    private readonly driver: RedisDriver | undefined,
    private readonly warming: Warming | undefined,
  ) {
    this.caches = new NamedCaches((name, given) => this.cache(name, given), options.defaults);
  }

  /** Builds everything without waiting for Redis. @throws CacheError `INVALID_OPTIONS` */
  static async create(options: CacheModuleOptions): Promise<CacheBackend> {
    checkModuleOptions(options);
    // Wrong ones stop the start, before a connection is opened that nobody would close.
    resolveCacheOptions(options.defaults);
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
    // There from the start: its counters are shown before anybody has asked.
    backend.httpCache();
    opened(backend);
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

  /** A cache of HTTP answers. Its serializer and its rules for errors are fixed, whoever asks first. */
  httpCache(name = 'http'): TieredCache<Representation> {
    return this.caches.ofAnswers(name);
  }

  /** A cache of what methods return. One that was made by another name keeps its own serializer. */
  methodCache(name = 'methods'): TieredCache {
    return this.caches.ofMethods(name);
  }

  /** @internal What is there under a name, for who evicts from it. */
  cachesUnder(name: string): readonly Pick<TieredCache, 'delete' | 'clear'>[] {
    return this.caches.under(name);
  }

  /**
   * Makes a named cache with options of its own, before anybody else asks for it. See `CacheModule.forFeature`.
   *
   * @throws CacheError `INVALID_OPTIONS` for `http`, and for a name that was declared with other options
   */
  declare(name: string, options: CacheOptions): TieredCache {
    return this.caches.declare(name, options);
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
    closed(this);
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
  if (onBreakerChange !== undefined) {
    driver.link.onChange({
      breakerChanged: (state, reason) => {
        try {
          onBreakerChange(state, reason);
        } catch (error) {
          new Logger('Cache').error(error);
        }
      },
    });
  }
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
