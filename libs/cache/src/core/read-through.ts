import { delay, type Clock } from './ports/clock';
import type { CoherenceState } from './coherence/coherence-state';
import { deadAt, type Entry } from './entry';
import { CacheError } from './errors';
import type { EventHub, MissReason } from './events';
import { Flights, type Flight } from './flights';
import type { Loading, LoadedValue } from './loading';
import type { ReadResult } from './read-result';
import type { CacheCounters } from './stats';
import type { LocalTier } from './tiers/local-tier';
import type { LoadPermit, RemoteTier } from './tiers/remote-tier';

/** One read: the key, the protocol tags the reader declares, and how to load what is missing. */
export interface ReadRequest<T> {
  readonly key: string;
  readonly tags: readonly string[];
  /** Absent for a plain `get`: the read then ends where a load would begin. */
  readonly loading: Loading<T> | undefined;
}

/** Pause between looks at what another instance is loading, in milliseconds. */
const POLL_MS = 20;
/** Longest wait for one other loader, in milliseconds; then this instance loads by itself. */
const FOLLOW_MS = 5_000;
/** Pause after a failed refresh before the next one, in milliseconds. */
const RETRY_AFTER_MS = 1_000;

/** L1 → L2 → load, with one flight per key. `docs/concepts/reading-through.md` walks through it. */
export class ReadThrough<T> {
  readonly flights = new Flights<T>();
  private readonly background = new Set<Promise<unknown>>();
  private order = 0;

  constructor(
    private readonly cache: string,
    private readonly local: LocalTier<T>,
    private readonly remote: RemoteTier<T>,
    private readonly state: CoherenceState,
    private readonly counters: CacheCounters,
    private readonly events: EventHub,
    private readonly clock: Clock,
    private readonly maxStaleMs: number,
  ) {}

  /** Serves from L1 without waiting, or joins or starts a flight. */
  read(request: ReadRequest<T>): Promise<ReadResult<T>> {
    const found = this.local.lookup(request.key, request.tags);
    if (found.kind === 'miss') return this.fetch(request, found.reason, found.fallback);
    if (found.kind === 'revalidate') this.refresh(request, found.entry);
    return Promise.resolve(this.hit(found.entry, 'L1', found.kind === 'revalidate' ? 'revalidate' : undefined));
  }

  /** Resolves when no flight and no store of this cache is under way. */
  async settled(): Promise<void> {
    while (this.flights.size > 0 || this.background.size > 0) {
      await this.flights.settled();
      await Promise.allSettled(this.background);
    }
  }

  /** Stores a value in both tiers; the L2 part is not waited for unless the caller does. */
  store(key: string, loaded: LoadedValue<T>, permit: LoadPermit | undefined, generation: number): StoreOutcome<T> {
    const entry: Entry<T> = {
      ...loaded.entry,
      proven: loaded.entry.born.seq,
      generation,
      checkedAt: -1,
      retryAfter: 0,
    };
    const rejected = this.rejectedByL1(entry, generation, permit);
    if (rejected === undefined) this.local.put(key, entry);
    else this.reject(key, 'L1', rejected);
    // Also a fill that L1 refuses goes to L2: versions make it invalid there, and other instances
    // with an older view lose nothing. It must go there to release the load lease.
    const remote =
      permit === undefined || this.state.hasUndelivered(entry.tags)
        ? Promise.resolve(false)
        : this.remote.put(key, entry, loaded.payload, permit.granted ? permit.token : undefined);
    this.track(remote);
    return { entry, remote };
  }

  /** Starts one background load unless one is under way or the last one has just failed. */
  private refresh(request: ReadRequest<T>, stale: Entry<T>): void {
    this.counters.stale.served++;
    if (this.events.active) {
      this.events.emit({ name: 'stale.served', cache: this.cache, key: request.key, reason: 'revalidate' });
    }
    if (request.loading === undefined || this.flights.get(request.key) !== undefined) return;
    if (this.clock.now() < stale.retryAfter) return;
    if (this.events.active) this.events.emit({ name: 'refresh', cache: this.cache, key: request.key });
    const flight = this.launch(request, 'expired', stale, true);
    flight.promise.catch(() => (stale.retryAfter = this.clock.now() + RETRY_AFTER_MS));
  }

  private async fetch(
    request: ReadRequest<T>,
    reason: MissReason,
    fallback: Entry<T> | undefined,
  ): Promise<ReadResult<T>> {
    const readOrder = this.order++;
    for (;;) {
      const flight = this.flights.get(request.key);
      if (flight === undefined || this.isOutdated(flight, request)) {
        return this.launch(request, reason, fallback, false).promise;
      }
      const startedAfter = flight.order > readOrder;
      if (!startedAfter && !this.mayJoin(flight)) {
        // No proof that this flight's value is new enough: wait for the next one, not beside it, so
        // that a fleet without Redis still loads each key once at a time.
        await flight.promise.catch(() => undefined);
        continue;
      }
      this.counters.loads.coalesced++;
      if (this.events.active) {
        this.events.emit({ name: 'load.coalesced', cache: this.cache, key: request.key, scope: 'process' });
      }
      const result = await flight.promise;
      if (startedAfter || this.stillValid(result, request)) return { ...result, collapsed: true };
    }
  }

  /** An earlier flight may be joined only while every invalidation is sure to be heard. */
  private mayJoin(flight: Flight<T>): boolean {
    return this.state.leaseHeld && flight.generation === this.state.generation;
  }

  /** True when a declared tag was invalidated after the flight got its version: nobody joins it any more. */
  private isOutdated(flight: Flight<T>, request: ReadRequest<T>): boolean {
    return flight.basis !== undefined && this.state.verdict(request.tags, flight.basis) !== 'valid';
  }

  /** Landing check for those who joined an earlier flight: its value may carry tags they did not know. */
  private stillValid(result: ReadResult<T>, request: ReadRequest<T>): boolean {
    const entry = result.entry;
    if (entry === undefined) return false;
    const since = { epoch: entry.born.epoch, seq: entry.proven };
    return (
      this.state.leaseHeld &&
      entry.generation === this.state.generation &&
      this.state.verdict(entry.tags, since) === 'valid' &&
      this.state.verdict(request.tags, since) === 'valid'
    );
  }

  private launch(
    request: ReadRequest<T>,
    reason: MissReason,
    fallback: Entry<T> | undefined,
    refreshing: boolean,
  ): Flight<T> {
    const start = { order: this.order++, generation: this.state.generation };
    return this.flights.launch(request.key, start, (flight) => this.fly(flight, request, reason, fallback, refreshing));
  }

  private async fly(
    flight: Flight<T>,
    request: ReadRequest<T>,
    reason: MissReason,
    localFallback: Entry<T> | undefined,
    refreshing: boolean,
  ): Promise<ReadResult<T>> {
    const found = await this.remote.lookup(request.key, request.tags);
    if (found.kind === 'unavailable') {
      return this.disconnected(localFallback, request) ?? this.load(flight, request, undefined, localFallback, reason);
    }
    if (found.kind === 'fresh' || (found.kind === 'revalidate' && !refreshing)) {
      return this.promote(flight, request, found.entry, found.kind);
    }
    const stale = found.kind === 'revalidate' ? found.entry : found.kind === 'miss' ? found.fallback : undefined;
    const fallback = stale ?? this.provable(localFallback);
    if (request.loading === undefined) return this.nothing(found.kind === 'miss' ? found.reason : 'expired');
    const permit = await this.obtainPermit(flight, request);
    if (permit !== undefined && 'value' in permit) return permit;
    const missed = found.kind === 'miss' && found.reason !== 'absent' ? found.reason : reason;
    return this.load(flight, request, permit, fallback, missed);
  }

  /** Back-fill of L1 with what L2 held, for the remaining life. */
  private promote(
    flight: Flight<T>,
    request: ReadRequest<T>,
    entry: Entry<T>,
    age: 'fresh' | 'revalidate',
  ): ReadResult<T> {
    flight.basis = { epoch: entry.born.epoch, seq: entry.proven };
    const rejected = this.rejectedByL1(entry, flight.generation, undefined);
    if (rejected === undefined) this.local.put(request.key, entry);
    else this.reject(request.key, 'L1', rejected);
    if (age === 'fresh') return this.hit(entry, 'L2', undefined);
    // The slot is still this flight's: the refresh starts once it is free.
    this.track(Promise.resolve().then(() => flight.promise.then(() => this.refresh(request, entry))));
    return this.hit(entry, 'L2', 'revalidate');
  }

  /**
   * Waits for at most one other loader of the fleet, then loads. The version is always that of the call
   * that allowed the load: one obtained before waiting would be outdated from the start.
   */
  private async obtainPermit(
    flight: Flight<T>,
    request: ReadRequest<T>,
  ): Promise<LoadPermit | ReadResult<T> | undefined> {
    const first = await this.remote.permit(request.key, request.tags, false);
    if (first === undefined || first.granted) {
      flight.basis = first?.born;
      return first;
    }
    if (this.events.active) {
      this.events.emit({ name: 'load.coalesced', cache: this.cache, key: request.key, scope: 'fleet' });
    }
    const giveUpAt = this.clock.monotonic() + FOLLOW_MS;
    while (this.clock.monotonic() < giveUpAt) {
      await delay(this.clock, POLL_MS);
      const found = await this.remote.lookup(request.key, request.tags);
      if (found.kind === 'unavailable') return undefined;
      if (found.kind === 'fresh') {
        this.counters.loads.coalesced++;
        return { ...this.promote(flight, request, found.entry, 'fresh'), collapsed: true };
      }
      const next = await this.remote.permit(request.key, request.tags, false);
      if (next === undefined || next.granted) {
        flight.basis = next?.born;
        return next;
      }
    }
    const taken = await this.remote.permit(request.key, request.tags, true);
    flight.basis = taken?.born;
    return taken;
  }

  private async load(
    flight: Flight<T>,
    request: ReadRequest<T>,
    permit: LoadPermit | undefined,
    fallback: Entry<T> | undefined,
    reason: MissReason,
  ): Promise<ReadResult<T>> {
    const loading = request.loading;
    if (loading === undefined) return this.nothing(reason);
    const startedAt = this.clock.monotonic();
    this.counters.loads.count++;
    try {
      const loaded = await loading.run(permit?.born, fallback);
      const durationMs = this.clock.monotonic() - startedAt;
      this.counters.loads.totalMs += durationMs;
      if (this.events.active) {
        this.events.emit({ name: 'load.success', cache: this.cache, key: request.key, durationMs });
      }
      return this.land(flight, request, permit, loaded, reason);
    } catch (error) {
      this.counters.loads.errors++;
      this.counters.loads.totalMs += this.clock.monotonic() - startedAt;
      if (this.events.active) {
        const durationMs = this.clock.monotonic() - startedAt;
        this.events.emit({ name: 'load.error', cache: this.cache, key: request.key, durationMs });
      }
      if (permit?.granted) this.track(this.remote.release(request.key, permit.token));
      return this.staleIfError(request, fallback, error);
    }
  }

  private land(
    flight: Flight<T>,
    request: ReadRequest<T>,
    permit: LoadPermit | undefined,
    loaded: LoadedValue<T>,
    reason: MissReason,
  ): ReadResult<T> {
    const shared = { source: 'load', stale: undefined, collapsed: false, missReason: reason } as const;
    if (!loaded.storable) {
      if (permit?.granted) this.track(this.remote.release(request.key, permit.token));
      return { ...shared, value: loaded.value, entry: undefined, stored: false };
    }
    const { entry } = this.store(request.key, loaded, permit, flight.generation);
    return { ...shared, value: loaded.value, entry, stored: permit !== undefined };
  }

  /** `staleIfError`: what the rule of validity still allows, or what was expired on purpose; never what was deleted. */
  private staleIfError(request: ReadRequest<T>, fallback: Entry<T> | undefined, error: unknown): ReadResult<T> {
    const usable =
      fallback !== undefined &&
      this.clock.now() < fallback.errorUntil &&
      !(error instanceof CacheError && error.code === 'CLOSED') &&
      this.state.verdict(fallback.tags, { epoch: fallback.born.epoch, seq: fallback.proven }) !== 'deleted';
    if (!usable) throw error;
    fallback.retryAfter = this.clock.now() + RETRY_AFTER_MS;
    this.counters.stale.served++;
    if (this.events.active) {
      this.events.emit({ name: 'stale.served', cache: this.cache, key: request.key, reason: 'error' });
    }
    return this.hit(fallback, 'L1', 'error');
  }

  /** C3: without L2, an entry of the proven generation may serve for `maxStaleMs` after the last proof. */
  private disconnected(entry: Entry<T> | undefined, request: ReadRequest<T>): ReadResult<T> | undefined {
    if (entry === undefined || this.maxStaleMs === 0 || !this.state.provenWithin(this.maxStaleMs)) return undefined;
    const since = { epoch: entry.born.epoch, seq: entry.proven };
    const allowed =
      entry.generation === this.state.generation &&
      this.clock.now() < entry.revalidateUntil &&
      this.state.verdict(entry.tags, since) === 'valid' &&
      this.state.verdict(request.tags, since) === 'valid';
    if (!allowed) return undefined;
    this.counters.stale.served++;
    if (this.events.active) {
      this.events.emit({ name: 'stale.served', cache: this.cache, key: request.key, reason: 'disconnected' });
    }
    return this.hit(entry, 'L1', 'disconnected');
  }

  /** A local fallback proves nothing by itself when the lease is gone. */
  private provable(entry: Entry<T> | undefined): Entry<T> | undefined {
    if (entry === undefined || !this.state.leaseHeld || entry.generation !== this.state.generation) return undefined;
    return entry;
  }

  /** Conditions under which a value may enter L1; the reason when it may not. */
  private rejectedByL1(entry: Entry<T>, generation: number, permit: LoadPermit | undefined): string | undefined {
    if (generation !== this.state.generation) return 'generation';
    if (permit === undefined && entry.born.epoch === '') return 'no-version';
    if (entry.born.epoch !== this.state.epoch) return 'epoch';
    const since = { epoch: entry.born.epoch, seq: entry.proven };
    if (this.state.verdict(entry.tags, since) !== 'valid') return 'invalidated';
    return this.clock.now() >= deadAt(entry) ? 'expired' : undefined;
  }

  private reject(key: string, tier: 'L1' | 'L2', reason: string): void {
    this.counters.fills.rejected++;
    if (this.events.active) this.events.emit({ name: 'fill.rejected', cache: this.cache, key, tier, reason });
  }

  private hit(entry: Entry<T>, source: 'L1' | 'L2', stale: ReadResult<T>['stale']): ReadResult<T> {
    return { value: entry.value, source, entry, stale, collapsed: false, stored: true, missReason: undefined };
  }

  private nothing(missReason: MissReason): ReadResult<T> {
    const shared = { source: 'load', stale: undefined, collapsed: false, stored: false } as const;
    return { ...shared, value: undefined, entry: undefined, missReason };
  }

  private track(work: Promise<unknown>): void {
    const tracked = work.catch(() => undefined).finally(() => this.background.delete(tracked));
    this.background.add(tracked);
  }
}

/** What {@link ReadThrough.store} did; `remote` settles when L2 has answered. */
export interface StoreOutcome<T> {
  readonly entry: Entry<T>;
  readonly remote: Promise<boolean>;
}
