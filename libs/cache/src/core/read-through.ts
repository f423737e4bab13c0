import type { Entry } from './entry';
import type { MissReason } from './events';
import { obtainPermit } from './fleet-turn';
import { Flights, type Flight } from './flights';
import { JoinRules } from './join-rules';
import { LoadRuns } from './load-runs';
import type { Loading } from './loading';
import { departing, type Departure, type ReadRequest, type ReadThroughParts } from './read-request';
import { asItIs, loadResult, tierHit, type ReadResult } from './read-result';
import { missReason } from './reporter';
import { landingWithin } from './soft-timeout';
import type { LocalLookup } from './tiers/local-tier';
import type { LoadPermit } from './tiers/load-permit';
import type { RemoteLookup } from './tiers/remote-lookup';

/** L1 → L2 → load, with one flight per key. `docs/concepts/reading-through.md` walks through it. */
export class ReadThrough<T> {
  readonly flights = new Flights<T>();
  private order = 0;

  private readonly joining: JoinRules<T>;
  private readonly loads: LoadRuns<T>;

  constructor(private readonly parts: ReadThroughParts<T>) {
    this.joining = new JoinRules(parts.state, parts.stale);
    this.loads = new LoadRuns(parts);
  }

  /** What `use` makes of {@link read}: in one step for a plain `get`, on whose way a promise counts. */
  readFor<A>(request: ReadRequest<T>, found: LocalLookup<T>, use: (result: ReadResult<T>) => A): Promise<A> {
    if (found.kind !== 'miss' || request.loading !== undefined) return this.read(request, found).then(use);
    return this.look(departing(request, found.reason, found.fallback), use);
  }

  /** Serves what L1 has said of the key without waiting, or joins or starts a flight. */
  read(request: ReadRequest<T>, found: LocalLookup<T>): Promise<ReadResult<T>> {
    if (found.kind === 'miss') return this.fetch(departing(request, found.reason, found.fallback));
    if (found.kind === 'revalidate' && request.loading === undefined)
      return this.look(departing(request, 'expired', found.entry), asItIs);
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
    const pause = (): void => stale.postponeRefresh(clock.now());
    const flight = this.launch(departing(request, 'expired', stale, true));
    // Also when the loader had nothing to store: the next reader would only ask it again.
    flight.promise.then((result) => (result.stale === 'error' || result.entry === undefined) && pause(), pause);
  }

  private fetch(departure: Departure<T>): Promise<ReadResult<T>> {
    const { loading } = departure;
    return loading === undefined ? this.look(departure, asItIs) : this.share(departure, loading);
  }

  private share(departure: Departure<T>, loading: Loading<T>): Promise<ReadResult<T>> {
    const readOrder = this.order++;
    const flight = this.joinable(departure);
    if (flight === undefined) return this.landing(this.launch(departure), departure);
    return this.join(flight, departure, loading, readOrder);
  }

  /** The flight of the key, if one is under way that its readers may still wait for. */
  private joinable({ key, tags }: Departure<T>): Flight<T> | undefined {
    const flight = this.flights.get(key);
    return flight === undefined || this.joining.isOutdated(flight, tags) ? undefined : flight;
  }

  private async join(
    first: Flight<T>,
    departure: Departure<T>,
    loading: Loading<T>,
    readOrder: number,
  ): Promise<ReadResult<T>> {
    for (let flight: Flight<T> | undefined = first; ; flight = this.joinable(departure)) {
      if (flight === undefined) return this.landing(this.launch(departure), departure);
      const startedAfter = flight.order > readOrder;
      loading.stepAside();
      if (!startedAfter && !this.joining.mayJoin(flight)) {
        // No proof that this flight's value is new enough: wait for the next one, not beside it, so
        // that a fleet without Redis still loads each key once at a time.
        await flight.promise.catch(() => undefined);
        continue;
      }
      const result = await this.landing(flight, departure);
      if (result.stale === 'timeout') return result;
      if (!result.shareable) return this.loads.runAlone(departure, loading);
      if (!this.joining.suits(result, flight, departure.tags, startedAfter)) continue;
      this.parts.reporter.coalesced(departure.key, 'process');
      return { ...result, collapsed: true };
    }
  }

  private landing(flight: Flight<T>, departure: Departure<T>): Promise<ReadResult<T>> {
    const limit = departure.loading?.softTimeout ?? 0;
    return limit === 0 ? flight.promise : landingWithin(limit, this.parts, flight, departure);
  }

  private launch(departure: Departure<T>): Flight<T> {
    const { generation } = this.parts.state;
    const start = { order: this.order++, generation };
    return this.flights.launch(departure.key, start, (flight) => this.fly(flight, departure));
  }

  /** Not `async`, and no promise of its own: on the way of every miss. */
  private fly(flight: Flight<T>, departure: Departure<T>): Promise<ReadResult<T>> {
    const { key, tags, fallback, refreshing, loading } = departure;
    const { remote, stale, clock } = this.parts;
    flight.fallback = stale.provable(fallback);
    const resting = stale.mayStandIn(flight.fallback, tags);
    if (!refreshing && resting !== undefined && clock.now() < resting.retryAfter)
      return Promise.resolve(this.loads.standIn(key, resting));
    return remote.lookupFor(key, tags, (found) => this.arrived(flight, departure, found), loading !== undefined);
  }

  private arrived(
    flight: Flight<T>,
    departure: Departure<T>,
    found: RemoteLookup<T>,
  ): ReadResult<T> | Promise<ReadResult<T>> {
    const { reason, fallback, refreshing } = departure;
    if (found.kind === 'unavailable') return this.withoutRemote(flight, departure);
    const renewed = found.kind === 'fresh' && !(refreshing && found.entry.createdAt <= (fallback?.createdAt ?? 0));
    if (renewed || (found.kind === 'revalidate' && !refreshing)) {
      return this.promote(flight, departure, found.entry, found.kind);
    }
    const missed = found.kind === 'miss' ? missReason(reason, found.reason) : 'expired';
    const inRemote = found.kind === 'miss' ? found.fallback : found.entry;
    flight.fallback = inRemote ?? flight.fallback;
    const permit = found.kind === 'miss' ? found.permit : undefined;
    if (permit?.granted !== true) return this.loadInTurn(flight, departure, permit, missed);
    flight.basis = permit.born;
    return this.loads.run({ flight, departure, permit, missed });
  }

  private async loadInTurn(
    flight: Flight<T>,
    departure: Departure<T>,
    refused: LoadPermit | undefined,
    missed: MissReason,
  ): Promise<ReadResult<T>> {
    const landed = (entry: Entry<T>): ReadResult<T> => this.promote(flight, departure, entry, 'fresh');
    const permit = await obtainPermit(this.parts, flight, departure, landed, refused);
    if (permit !== undefined && 'value' in permit) return permit;
    return this.loads.run({ flight, departure, permit, missed });
  }

  private withoutRemote(flight: Flight<T>, departure: Departure<T>): ReadResult<T> | Promise<ReadResult<T>> {
    const { stale, reporter } = this.parts;
    const kept = stale.disconnected(departure.fallback, departure.tags);
    if (kept === undefined) return this.loads.run({ flight, departure, permit: undefined, missed: departure.reason });
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
    flight.basis = entry.basis;
    const now = this.parts.clock.now();
    entry.keepLocally(now, request.localTtl);
    this.parts.fills.fillLocal(request.key, entry, flight.generation, now);
    if (age === 'fresh') return tierHit(entry, 'L2', undefined);
    // The slot is still this flight's: the refresh starts once it is free.
    const landed = Promise.resolve().then(() => flight.promise);
    this.parts.fills.track(landed.then(() => this.refresh(request, entry)));
    this.parts.reporter.stale(request.key, 'revalidate');
    return tierHit(entry, 'L2', 'revalidate');
  }

  /** A plain `get`: never loads, never waits for a load, serves nothing stale that it could not renew. */
  private look<A>(departure: Departure<T>, use: (result: ReadResult<T>) => A): Promise<A> {
    const { remote, state } = this.parts;
    const { generation } = state;
    return remote.lookupFor(departure.key, departure.tags, (found) => use(this.looked(departure, found, generation)));
  }

  private looked(departure: Departure<T>, found: RemoteLookup<T>, generation: number): ReadResult<T> {
    const { fills, stale, reporter, clock } = this.parts;
    if (found.kind === 'fresh') {
      const now = clock.now();
      found.entry.keepLocally(now, departure.localTtl);
      fills.fillLocal(departure.key, found.entry, generation, now);
      return tierHit(found.entry, 'L2', undefined);
    }
    const kept = found.kind === 'unavailable' ? stale.disconnected(departure.fallback, departure.tags) : undefined;
    if (kept === undefined) return loadResult<T>(undefined, departure.reason, { stored: false, shareable: true });
    reporter.stale(departure.key, 'disconnected');
    return tierHit(kept, 'L1', 'disconnected');
  }
}
