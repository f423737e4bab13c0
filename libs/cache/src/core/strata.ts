import { randomUUID } from 'node:crypto';
import { atMost, systemClock, type Clock } from './ports/clock';
import type { Bus } from './ports/bus';
import type { LocalStore, LocalStoreBounds, LocalStoreListener } from './ports/local-store';
import type { InvalidationMode, RemoteStore } from './ports/remote-store';
import { CoherenceState, type CoherenceMode } from './coherence/coherence-state';
import {
  Invalidator,
  type InvalidationCounters,
  type InvalidationResult,
  type UndeliveredPolicy,
} from './coherence/invalidator';
import { Lease } from './coherence/lease';
import { EVERYTHING, userTag } from './coherence/tags';
import { CacheError } from './errors';
import {
  EventHub,
  type BusMessageKind,
  type CacheEventListener,
  type CacheEventName,
  type CacheTracer,
} from './events';
import { LocalCopies } from './local-copies';
import { resolveCacheOptions, type CacheOptions } from './options';
import { Fills } from './fills';
import { ReadThrough } from './read-through';
import { Reporter } from './reporter';
import { StaleRules } from './stale-rules';
import { newCounters } from './stats';
import { TieredCache } from './tiered-cache';
import { LocalTier } from './tiers/local-tier';
import { RemoteTier } from './tiers/remote-tier';

/** What the caches of one instance share. */
export interface StrataOptions {
  readonly remote: RemoteStore;
  readonly bus: Bus;
  readonly createLocalStore: (bounds: LocalStoreBounds, listener: LocalStoreListener) => LocalStore;
  /** @default 'acknowledged' */
  readonly coherence?: CoherenceMode;
  /** Time for which L1 may be trusted without an echo, in milliseconds. @default 2000 */
  readonly leaseMs?: number;
  /** How long L1 may serve after the last proof of coherence while L2 is away, in milliseconds. @default 0 */
  readonly maxStaleMs?: number;
  /** What happens to an invalidation that cannot reach L2. @default 'defer' */
  readonly undelivered?: UndeliveredPolicy;
  /** Bound of the table of invalidations heard. @default 100000 */
  readonly maxTags?: number;
  /** Asked once for each cache; what it gives is called with the key of every look-up, so it must cost next to nothing. */
  readonly observeReads?: (cache: string) => (key: string) => void;
  /** Runs around loads, operations of L2 and invalidations; never around a hit in L1. */
  readonly trace?: CacheTracer;
  readonly clock?: Clock;
}

const CACHE_NAME = /^[a-z0-9][a-z0-9-]{0,63}$/;

/** A loader that never ends must not keep the application from ending. */
const CLOSE_LIMIT_MS = 10_000;

/**
 * One instance of the cache: its named caches, its view of the fleet and its lease.
 *
 * @publicApi
 */
export class Strata {
  /** Name of this instance among the members of the fleet. */
  readonly member = randomUUID();
  readonly state: CoherenceState;
  readonly remote: RemoteStore;
  private readonly events = new EventHub();
  private readonly caches = new Map<string, TieredCache<never>>();
  private readonly copies = new LocalCopies();
  private readonly invalidator: Invalidator;
  private readonly lease: Lease;
  private readonly clock: Clock;
  private readonly leaseMs: number;
  private closed = false;

  constructor(private readonly options: StrataOptions) {
    this.clock = options.clock ?? systemClock;
    this.leaseMs = options.leaseMs ?? 2_000;
    this.remote = options.remote;
    this.events.tracer = options.trace;
    this.state = new CoherenceState(this.clock, options.coherence ?? 'acknowledged', options.maxTags ?? 100_000);
    this.remote.onBreakerChange?.((state, reason) => {
      if (this.events.wants('breaker.change')) this.events.emit({ name: 'breaker.change', cache: '', state, reason });
    });
    const policy = { leaseMs: this.leaseMs, undelivered: options.undelivered ?? 'defer' };
    this.invalidator = new Invalidator(
      this.member,
      this.state,
      this.remote,
      options.bus,
      policy,
      this.events,
      this.clock,
      (tags, mode) => this.copies.drop(tags, mode),
    );
    this.lease = new Lease(
      this.member,
      this.state,
      this.remote,
      options.bus,
      this.leaseMs,
      this.events,
      this.clock,
      () => void this.invalidator.flush().catch(() => undefined),
    );
  }

  /** Subscribes to the bus and waits for the first lease, at most one lease long. */
  async start(): Promise<void> {
    if (this.state.mode === 'off') return;
    const received = (kind: BusMessageKind): void => {
      if (this.events.wants('bus.received')) this.events.emit({ name: 'bus.received', cache: '', kind });
    };
    this.options.bus.start(this.member, {
      subscribed: () => this.lease.subscribed(),
      lost: () => {
        this.lease.lost();
        if (this.events.wants('bus.gap')) this.events.emit({ name: 'bus.gap', cache: '' });
      },
      invalidation: (message) => {
        received('invalidation');
        this.invalidator.applyRemote(message);
      },
      acknowledged: (id, member) => {
        received('acknowledgement');
        this.invalidator.acknowledged(id, member);
      },
      echo: (beat) => {
        received('echo');
        this.lease.echo(beat);
      },
    });
    this.lease.start();
    await this.lease.ready(this.leaseMs);
  }

  /** Ends serving from L1, leaves the fleet, waits for loads and stores under way: ten seconds at most. */
  async close(): Promise<void> {
    if (this.closed) return;
    this.closed = true;
    const settled = Promise.all([...this.caches.values()].map((cache) => cache.settled()));
    await atMost(this.clock, CLOSE_LIMIT_MS, settled);
    await this.invalidator.flush().catch(() => undefined);
    this.invalidator.close();
    if (this.state.mode !== 'off') await this.lease.stop();
    await this.options.bus.close();
  }

  /** Listens to the events of all caches, or to those of `names`; the returned function stops it. */
  on(listener: CacheEventListener, names?: readonly CacheEventName[]): () => void {
    return this.events.on(listener, names);
  }

  /**
   * The cache of that name, made on first use; options of later calls are ignored.
   *
   * @throws CacheError `INVALID_OPTIONS`, also when a later call names another serializer
   */
  cache<T = unknown>(name: string, options: CacheOptions<T> = {}): TieredCache<T> {
    const existing = this.caches.get(name);
    if (existing !== undefined) {
      if (options.serializer !== undefined && options.serializer.id !== existing.serializerId) {
        throw new CacheError('INVALID_OPTIONS', `the cache "${name}" exists with another serializer`);
      }
      return existing as unknown as TieredCache<T>;
    }
    if (!CACHE_NAME.test(name)) {
      throw new CacheError('INVALID_OPTIONS', `cache name ${JSON.stringify(name)}: use a-z, 0-9 and -, at most 64`);
    }
    const cache = this.assemble<T>(name, options);
    this.caches.set(name, cache as unknown as TieredCache<never>);
    return cache;
  }

  /** All caches made so far. */
  all(): readonly TieredCache<never>[] {
    return [...this.caches.values()];
  }

  /** Invalidates what carries any of `tags`, in every named cache and on every instance. */
  invalidateTags(tags: readonly string[], options: { mode?: InvalidationMode } = {}): Promise<InvalidationResult> {
    return this.invalidator.originate([...new Set(tags)].map(userTag), options.mode ?? 'delete');
  }

  /** Invalidates the whole namespace. Other namespaces of the same Redis are not touched. */
  clear(): Promise<InvalidationResult> {
    this.copies.clear();
    if (this.events.wants('clear')) this.events.emit({ name: 'clear', cache: '' });
    return this.invalidator.originate([EVERYTHING], 'delete');
  }

  /** Members of the fleet as the last heartbeat or invalidation saw them; at least this one. */
  get members(): number {
    return this.state.members;
  }

  /** Invalidations since start. */
  get invalidations(): Readonly<InvalidationCounters> {
    return this.invalidator.counters;
  }

  /** Fill of the bounded tables beside L1: invalidations heard, invalidations that wait for L2, loads in progress. */
  get tables(): { readonly tagsHeard: number; readonly deferredTags: number; readonly flights: number } {
    const flights = this.all().reduce((sum, cache) => sum + cache.flights, 0);
    return { tagsHeard: this.state.table.size, deferredTags: this.deferredTags, flights };
  }

  /** Invalidations that wait for L2, counted in tags. */
  get deferredTags(): number {
    return this.invalidator.deferredTags;
  }

  private assemble<T>(name: string, given: CacheOptions<T>): TieredCache<T> {
    const { state, events, clock } = this;
    const options = resolveCacheOptions(given);
    const counters = newCounters();
    const store = this.options.createLocalStore(options, {
      evicted: (key, _entry, reason) => {
        if (reason === 'expired') counters.local.expirations++;
        else counters.local.evictions++;
        if (events.wants('evict')) events.emit({ name: 'evict', cache: name, key, reason });
      },
    });
    const local = new LocalTier<T>(
      name,
      store,
      state,
      counters.local,
      options,
      events,
      clock,
      this.options.observeReads?.(name),
    );
    const remote = new RemoteTier<T>(name, this.remote, state, counters.remote, options, events, clock);
    const reporter = new Reporter(name, counters, events);
    const fills = new Fills<T>(local, remote, state, reporter, clock);
    const { isStaleAllowed } = options;
    const stale = new StaleRules<T>(state, clock, { maxStaleMs: this.options.maxStaleMs ?? 0, isStaleAllowed });
    const reader = new ReadThrough<T>({ remote, fills, stale, state, reporter, clock });
    this.copies.add(name, store);
    const { invalidator } = this;
    const tiers = { local, reader, fills, invalidator, hasRemote: this.remote.holdsEntries };
    return new TieredCache<T>({ name, options, ...tiers, remote, state, counters, events, clock });
  }
}
