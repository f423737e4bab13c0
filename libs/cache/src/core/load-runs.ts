import type { Entry } from './entry';
import type { MissReason } from './events';
import type { Flight } from './flights';
import type { Loading } from './loading';
import type { Departure, ReadThroughParts } from './read-request';
import { loadResult, tierHit, type ReadResult } from './read-result';
import type { LoadedValue } from './sealing';
import type { LoadPermit } from './tiers/load-permit';

/** What a load of a flight begins with. */
export interface LoadStart<T> {
  readonly flight: Flight<T>;
  readonly departure: Departure<T>;
  readonly permit: LoadPermit | undefined;
  readonly missed: MissReason;
}

/** Runs loaders, stores what they bring, and decides what stands in when they fail. */
export class LoadRuns<T> {
  constructor(private readonly parts: ReadThroughParts<T>) {}

  /** The load of a flight, with leave from L2 or without; a plain read ends here. */
  run(start: LoadStart<T>): ReadResult<T> | Promise<ReadResult<T>> {
    const { flight, departure, permit, missed } = start;
    const { loading } = departure;
    if (loading === undefined) return loadResult<T>(undefined, missed, { stored: false, shareable: true });
    const { clock, reporter } = this.parts;
    const startedAt = clock.monotonic();
    // Not `async`: on the way of every miss.
    return reporter
      .aroundLoad(() => loading.run(permit?.born, flight.fallback))
      .then(
        (loaded) => this.loaded(start, loaded, startedAt),
        (error: unknown) => this.failed(start, error, startedAt),
      );
  }

  /** A load of this caller's own, outside the slot: nobody may share what a loader declined to store. */
  async runAlone(departure: Departure<T>, loading: Loading<T>): Promise<ReadResult<T>> {
    const { clock, reporter } = this.parts;
    const startedAt = clock.monotonic();
    try {
      const { value } = await reporter.aroundLoad(() => loading.run(undefined, undefined));
      reporter.loaded(departure.key, clock.monotonic() - startedAt, false);
      return loadResult(value, departure.reason, { stored: false, shareable: false });
    } catch (error) {
      reporter.loadFailed(departure.key, clock.monotonic() - startedAt);
      throw error;
    }
  }

  standIn(key: string, entry: Entry<T>): ReadResult<T> {
    this.parts.reporter.stale(key, 'error');
    return tierHit(entry, 'L1', 'error');
  }

  private loaded(start: LoadStart<T>, loaded: LoadedValue<T>, startedAt: number): ReadResult<T> {
    const { clock, reporter } = this.parts;
    try {
      reporter.loaded(start.departure.key, clock.monotonic() - startedAt, loaded.notModified);
      return this.stored(start, loaded);
    } catch (error) {
      return this.failed(start, error, startedAt);
    }
  }

  private stored({ flight, departure, permit, missed }: LoadStart<T>, loaded: LoadedValue<T>): ReadResult<T> {
    const { key } = departure;
    const { fills } = this.parts;
    fills.reportRefusal(key, loaded);
    if (!loaded.storable) {
      fills.release(key, permit);
      const rests = { basis: permit?.born, dependsOn: loaded.tags };
      return loadResult(loaded.value, missed, { ...rests, stored: false, shareable: !loaded.declined });
    }
    const { entry } = fills.store(key, loaded, permit, flight.generation);
    return loadResult(loaded.value, missed, { entry, stored: permit !== undefined, shareable: true });
  }

  private failed({ flight, departure, permit }: LoadStart<T>, error: unknown, startedAt: number): ReadResult<T> {
    const { clock, reporter, fills, stale } = this.parts;
    const { key, tags, refreshing } = departure;
    reporter.loadFailed(key, clock.monotonic() - startedAt);
    fills.release(key, permit);
    const usable = stale.afterError(flight.fallback, tags, error);
    if (usable === undefined) throw error;
    // Kept in L1 with a pause, so that the next readers need not wait for the same failure.
    const now = clock.now();
    usable.postponeRefresh(now);
    fills.fillLocal(key, usable, usable.generation, now, 'expired');
    return refreshing ? tierHit(usable, 'L1', 'error') : this.standIn(key, usable);
  }
}
