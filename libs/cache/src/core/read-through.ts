import type { Clock, Timer } from './ports/clock';
import type { CoherenceState } from './coherence/coherence-state';
import type { Entry } from './entry';
import type { MissReason } from './events';
import type { Fills } from './fills';
import { obtainPermit } from './fleet-turn';
import { Flights, type Flight } from './flights';
import type { Loading } from './loading';
import { loadResult, tierHit, type ReadResult } from './read-result';
import { missReason, type Reporter } from './reporter';
import type { StaleRules } from './stale-rules';
import type { LocalLookup } from './tiers/local-tier';
import type { LoadPermit, RemoteTier } from './tiers/remote-tier';

/** One read: the key, the protocol tags the reader declares, and how to load what is missing. */
export interface ReadRequest<T> {
  readonly key: string;
  readonly tags: readonly string[];
  /** Absent for a plain `get`: the read then ends where a load would begin. */
  readonly loading: Loading<T> | undefined;
}

/** Parts a {@link ReadThrough} is made of. */
export interface ReadThroughParts<T> {
  readonly remote: RemoteTier<T>;
  readonly fills: Fills<T>;
  readonly stale: StaleRules<T>;
  readonly state: CoherenceState;
  readonly reporter: Reporter;
  readonly clock: Clock;
}

/** What a flight starts from. */
interface Departure<T> extends ReadRequest<T> {
  readonly reason: MissReason;
  readonly fallback: Entry<T> | undefined;
  readonly refreshing: boolean;
}

/** Pause after a failed refresh before the next one, in milliseconds. */
const RETRY_AFTER_MS = 1_000;

/** L1 → L2 → load, with one flight per key. `docs/concepts/reading-through.md` walks through it. */
export class ReadThrough<T> {
  readonly flights = new Flights<T>();
  private order = 0;

  constructor(private readonly parts: ReadThroughParts<T>) {}

  /** Serves what L1 has said of the key without waiting, or joins or starts a flight. */
  read(request: ReadRequest<T>, found: LocalLookup<T>): Promise<ReadResult<T>> {
    if (found.kind === 'miss') return this.fetch({ ...request, ...found, refreshing: false });
    if (found.kind === 'fresh') return Promise.resolve(tierHit(found.entry, 'L1', undefined));
    this.refresh(request, found.entry);
    if (found.kind === 'ahead') return Promise.resolve(tierHit(found.entry, 'L1', undefined));
    this.parts.reporter.stale(request.key, 'revalidate');
    return Promise.resolve(tierHit(found.entry, 'L1', 'revalidate'));
  }

  /** Resolves when no flight and no store of this cache is under way. */
  async settled(): Promise<void> {
    while (this.flights.size > 0 || this.parts.fills.pending > 0) {
      await this.flights.settled();
      await this.parts.fills.settled();
    }
  }

  /** Starts one background load unless one is under way or the last one has just failed. */
  private refresh(request: ReadRequest<T>, stale: Entry<T>): void {
    const { clock, reporter } = this.parts;
    if (request.loading === undefined || this.flights.get(request.key) !== undefined) return;
    if (clock.now() < stale.retryAfter) return;
    reporter.refresh(request.key);
    const pause = (): void => void (stale.retryAfter = clock.now() + RETRY_AFTER_MS);
    const flight = this.launch({ ...request, reason: 'expired', fallback: stale, refreshing: true });
    flight.promise.then((result) => result.stale === 'error' && pause(), pause);
  }

  private async fetch(departure: Departure<T>): Promise<ReadResult<T>> {
    const { key, loading } = departure;
    const readOrder = this.order++;
    for (;;) {
      const flight = this.flights.get(key);
      if (flight === undefined || this.isOutdated(flight, departure)) {
        return this.landing(this.launch(departure), departure);
      }
      const startedAfter = flight.order > readOrder;
      loading?.stepAside();
      if (!startedAfter && !this.mayJoin(flight)) {
        // No proof that this flight's value is new enough: wait for the next one, not beside it, so
        // that a fleet without Redis still loads each key once at a time.
        await flight.promise.catch(() => undefined);
        continue;
      }
      const result = await this.landing(flight, departure);
      if (result.stale === 'timeout') return result;
      if (!result.shareable && loading !== undefined) return this.loadAlone(departure, loading);
      const lookedOnly = loading !== undefined && !flight.loads && result.source === 'load';
      if (lookedOnly || !this.suits(result, flight, departure, startedAfter)) continue;
      this.parts.reporter.coalesced(key, 'process');
      return { ...result, collapsed: true };
    }
  }

  /** `softTimeout`: a reader that has a stale value does not wait longer for the flight than that. */
  private async landing(flight: Flight<T>, departure: Departure<T>): Promise<ReadResult<T>> {
    const limit = departure.loading?.softTimeout ?? 0;
    if (limit === 0) return flight.promise;
    const { clock, stale, reporter } = this.parts;
    let timer: Timer | undefined;
    const tooLong = new Promise<undefined>((resolve) => (timer = clock.after(limit, () => resolve(undefined))));
    const landed = await Promise.race([flight.promise, tooLong]).finally(() => timer?.cancel());
    if (landed !== undefined) return landed;
    const usable = stale.whileWaiting(flight.fallback, departure.tags);
    if (usable === undefined) return flight.promise;
    reporter.stale(departure.key, 'timeout');
    return tierHit(usable, 'L1', 'timeout');
  }

  /** An earlier flight may be joined only while every invalidation is sure to be heard. */
  private mayJoin(flight: Flight<T>): boolean {
    return this.parts.state.leaseHeld && flight.generation === this.parts.state.generation;
  }

  /** True when a declared tag was invalidated after the flight got its version: nobody joins it any more. */
  private isOutdated(flight: Flight<T>, request: ReadRequest<T>): boolean {
    return flight.basis !== undefined && this.parts.state.verdict(request.tags, flight.basis) !== 'valid';
  }

  /**
   * Landing check of those who joined. A load that began after the read is new enough whatever its tags
   * are. Anything else must carry the reader's tags, or it was never checked for them, and none of its
   * tags may have been invalidated meanwhile: it may carry some that the reader did not know.
   */
  private suits(result: ReadResult<T>, flight: Flight<T>, request: ReadRequest<T>, startedAfter: boolean): boolean {
    if (startedAfter && result.source === 'load') return true;
    const { basis, dependsOn } = result;
    return (
      basis !== undefined &&
      request.tags.every((tag) => dependsOn.includes(tag)) &&
      (startedAfter || this.mayJoin(flight)) &&
      this.parts.state.verdict(dependsOn, basis) === 'valid'
    );
  }

  private launch(departure: Departure<T>): Flight<T> {
    const { generation } = this.parts.state;
    const start = { order: this.order++, generation, loads: departure.loading !== undefined };
    return this.flights.launch(departure.key, start, (flight) => this.fly(flight, departure));
  }

  private async fly(flight: Flight<T>, departure: Departure<T>): Promise<ReadResult<T>> {
    const { key, tags, reason, fallback, refreshing } = departure;
    const { remote, stale } = this.parts;
    const found = await remote.lookup(key, tags);
    if (found.kind === 'unavailable') return this.withoutRemote(flight, departure);
    const renewed = found.kind === 'fresh' && !(refreshing && found.entry.createdAt <= (fallback?.createdAt ?? 0));
    if (renewed || (found.kind === 'revalidate' && !refreshing)) {
      return this.promote(flight, departure, found.entry, found.kind);
    }
    const missed = found.kind === 'miss' ? missReason(reason, found.reason) : 'expired';
    if (departure.loading === undefined) return loadResult<T>(undefined, missed, { stored: false, shareable: true });
    const inRemote = found.kind === 'miss' ? found.fallback : found.entry;
    flight.fallback = inRemote ?? stale.provable(fallback);
    const landed = (entry: Entry<T>): ReadResult<T> => this.promote(flight, departure, entry, 'fresh');
    const permit = await obtainPermit(this.parts, flight, departure, landed);
    if (permit !== undefined && 'value' in permit) return permit;
    return this.load(flight, departure, permit, flight.fallback, missed);
  }

  private withoutRemote(flight: Flight<T>, departure: Departure<T>): ReadResult<T> | Promise<ReadResult<T>> {
    const { stale, reporter } = this.parts;
    const kept = stale.disconnected(departure.fallback, departure.tags);
    if (kept === undefined) {
      flight.fallback = stale.provable(departure.fallback);
      return this.load(flight, departure, undefined, flight.fallback, departure.reason);
    }
    reporter.stale(departure.key, 'disconnected');
    return tierHit(kept, 'L1', 'disconnected');
  }

  /** Back-fill of L1 with what L2 held, for the remaining life. */
  private promote(
    flight: Flight<T>,
    request: ReadRequest<T>,
    entry: Entry<T>,
    age: 'fresh' | 'revalidate',
  ): ReadResult<T> {
    flight.basis = { epoch: entry.born.epoch, seq: entry.proven };
    this.parts.fills.fillLocal(request.key, entry, flight.generation);
    if (age === 'fresh') return tierHit(entry, 'L2', undefined);
    // The slot is still this flight's: the refresh starts once it is free.
    const landed = Promise.resolve().then(() => flight.promise);
    this.parts.fills.track(landed.then(() => this.refresh(request, entry)));
    this.parts.reporter.stale(request.key, 'revalidate');
    return tierHit(entry, 'L2', 'revalidate');
  }

  private async load(
    flight: Flight<T>,
    departure: Departure<T>,
    permit: LoadPermit | undefined,
    fallback: Entry<T> | undefined,
    missed: MissReason,
  ): Promise<ReadResult<T>> {
    const { key, loading } = departure;
    const { clock, reporter, fills } = this.parts;
    if (loading === undefined) return loadResult<T>(undefined, missed, { stored: false, shareable: true });
    const startedAt = clock.monotonic();
    try {
      const loaded = await loading.run(permit?.born, fallback);
      reporter.loaded(key, clock.monotonic() - startedAt);
      if (!loaded.storable) {
        fills.release(key, permit);
        const rests = { basis: permit?.born, dependsOn: loaded.tags };
        return loadResult(loaded.value, missed, { ...rests, stored: false, shareable: !loaded.declined });
      }
      const { entry } = fills.store(key, loaded, permit, flight.generation);
      return loadResult(loaded.value, missed, { entry, stored: permit !== undefined, shareable: true });
    } catch (error) {
      reporter.loadFailed(key, clock.monotonic() - startedAt);
      fills.release(key, permit);
      return this.afterError(departure, fallback, error);
    }
  }

  private afterError(departure: Departure<T>, fallback: Entry<T> | undefined, error: unknown): ReadResult<T> {
    const usable = this.parts.stale.afterError(fallback, departure.tags, error);
    if (usable === undefined) throw error;
    if (!departure.refreshing) this.parts.reporter.stale(departure.key, 'error');
    return tierHit(usable, 'L1', 'error');
  }

  /** A load of this caller's own, outside the slot: nobody may share what a loader declined to store. */
  private async loadAlone(departure: Departure<T>, loading: Loading<T>): Promise<ReadResult<T>> {
    const { clock, reporter } = this.parts;
    const startedAt = clock.monotonic();
    try {
      const { value } = await loading.run(undefined, undefined);
      reporter.loaded(departure.key, clock.monotonic() - startedAt);
      return loadResult(value, departure.reason, { stored: false, shareable: false });
    } catch (error) {
      reporter.loadFailed(departure.key, clock.monotonic() - startedAt);
      throw error;
    }
  }
}
