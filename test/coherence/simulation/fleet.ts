import type {
  CacheError,
  LocalStore,
  LocalStoreBounds,
  LocalStoreListener,
  Clock,
  Strata,
  StrataOptions,
  TieredCache,
} from '@strata/cache/core';
import type { Network } from './network';
import { LEASE_MS, type Profile } from './profiles';
import { SimBus, SimStore } from './sim-driver';
import { SimClock } from './sim-clock';
import type { Seen } from '../judge';
import type { Host, World } from './world';

/** The production code under test; a mutant is the same with one rule off. */
export interface Library {
  readonly Strata: new (options: StrataOptions) => Strata;
  readonly CacheError: typeof CacheError;
  readonly LruLocalStore: new (bounds: LocalStoreBounds, listener: LocalStoreListener, clock: Clock) => LocalStore;
}

/** One process: a host, its clocks, and an instance of the library. */
export interface Instance {
  /** Number of this process among all that ever ran. */
  readonly incarnation: number;
  readonly host: Host;
  readonly clock: SimClock;
  readonly strata: Strata;
  readonly cache: TieredCache<Seen>;
}

/** Age of the oldest unanswered command at which the simulated driver gives a connection up. */
export const TIMEOUT_MS = 50;

/** Starts, stops and kills instances. */
export class Fleet {
  readonly instances: Instance[] = [];
  private incarnations = 0;

  constructor(
    private readonly library: Library,
    private readonly world: World,
    private readonly network: Network,
    private readonly profile: Profile,
  ) {
    for (let i = 0; i < profile.instances; i++) this.instances.push(this.start());
  }

  /** One that is asked next; it may be frozen, as a load balancer would not know. */
  any(): Instance {
    return this.world.random.pick(this.instances);
  }

  crash(instance: Instance): void {
    const { host } = instance;
    host.dead = true;
    this.network.cut((connection) => connection.host === host, 1);
    this.replace(instance);
  }

  async stop(instance: Instance): Promise<void> {
    this.replace(instance);
    await instance.strata.close();
    instance.host.dead = true;
  }

  private replace(instance: Instance): void {
    const index = this.instances.indexOf(instance);
    if (index >= 0) this.instances[index] = this.start();
  }

  private start(): Instance {
    const { world, network, library, profile } = this;
    const host: Host = { frozen: false, dead: false, parked: [] };
    const clock = new SimClock(world, host, 1 + world.random.between(-profile.drift, profile.drift));
    const unavailable = (): CacheError => new library.CacheError('L2_UNAVAILABLE', 'simulated');
    const store = new SimStore({ network, host, clock, timeoutMs: TIMEOUT_MS, unavailable }, profile.cluster);
    const strata = new library.Strata({
      remote: store,
      bus: new SimBus(network, host, clock, store),
      createLocalStore: (bounds, listener) => new library.LruLocalStore(bounds, listener, clock),
      leaseMs: LEASE_MS,
      maxStaleMs: profile.maxStaleMs,
      maxTags: profile.maxTags,
      clock,
    });
    const cache = strata.cache<Seen>('sim', {
      ttl: 400,
      staleWhileRevalidate: 200,
      staleIfError: 300,
      loadLease: 60,
      // Compression runs on a thread pool, whose order no seed decides.
      compressionThreshold: Infinity,
      maxEntries: 100,
    });
    void strata.start();
    return { incarnation: this.incarnations++, host, clock, strata, cache };
  }
}
