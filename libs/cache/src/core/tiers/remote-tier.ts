import type { Clock } from '../ports/clock';
import type { Head, LoadWish, RemoteRead, RemoteStore } from '../ports/remote-store';
import type { Payload } from '../ports/serializer';
import { decodeEntry, maxStoredBytes, UnreadableEntry } from '../codec';
import type { CoherenceState } from '../coherence/coherence-state';
import { worseOf } from '../coherence/tag-table';
import { Entry, type DecodedEntry } from '../entry';
import type { EventHub, MissReason } from '../events';
import { freshness } from '../lifetime';
import type { ResolvedCacheOptions } from '../options';
import type { RemoteCounters } from '../stats';
import { asItIs } from '../read-result';
import { longestLife, newToken, permitOf, type LoadPermit } from './load-permit';
import { NOTHING, RemoteAttempts } from './remote-attempts';
import { RemoteFills, type RemoteTerms } from './remote-fills';
import { RemoteJudge, union, type Checked } from './remote-judge';
import { missed, UNAVAILABLE, type RemoteLookup } from './remote-lookup';
import { RemoteMarks } from './remote-marks';

/** A look into L2: what for, and under which subscription it began. */
interface Look {
  readonly key: string;
  readonly tags: readonly string[];
  readonly generation: number;
}

/** What a loader asks leave with, and the monotonic time until which L2 keeps the tags if it gives it. */
interface Wish extends LoadWish {
  readonly keptUntil: number;
}

/**
 * L2: a shared store, the wire format, and the rule of validity.
 * Reads never throw: what cannot be reached, decoded or proved valid is a miss and an event.
 */
export class RemoteTier<T> {
  readonly marks: RemoteMarks;
  private readonly l2: RemoteAttempts;
  private readonly judge: RemoteJudge;
  private readonly fills: RemoteFills<T>;
  private readonly longestLife: number;

  constructor(
    private readonly cache: string,
    private readonly store: RemoteStore,
    private readonly state: CoherenceState,
    private readonly counters: RemoteCounters,
    private readonly options: ResolvedCacheOptions<T>,
    private readonly events: EventHub,
    private readonly clock: Clock,
  ) {
    this.l2 = new RemoteAttempts(cache, store, counters, events, clock);
    this.marks = new RemoteMarks(store, state, this.l2);
    this.judge = new RemoteJudge(store, state, this.l2);
    this.fills = new RemoteFills(cache, store, this.l2, counters, options, events, clock);
    this.longestLife = longestLife(options);
  }

  /** Longest wait for one other loader, in milliseconds. */
  get loadLease(): number {
    return this.options.loadLease;
  }

  get available(): boolean {
    return this.store.available;
  }

  /**
   * Reads `key` for a reader that declares `tags`, as `protocolTags` makes them: those that follow from the key first.
   */
  lookup(key: string, tags: readonly string[]): Promise<RemoteLookup<T>> {
    return this.lookupFor(key, tags, asItIs);
  }

  /**
   * What `use` makes of {@link lookup}, in one step; not before this has returned.
   *
   * @param toLoad the reader will load what is not there, and asks leave for it at once
   */
  lookupFor<A>(
    key: string,
    tags: readonly string[],
    use: (found: RemoteLookup<T>) => A | Promise<A>,
    toLoad = false,
  ): Promise<A> {
    return this.ask(key, tags, toLoad ? this.wish() : undefined, (found) => use(this.counted(key, found)));
  }

  /** {@link lookup} that counts nothing. */
  find(key: string, tags: readonly string[]): Promise<RemoteLookup<T>> {
    return this.ask(key, tags, undefined, (found) => found);
  }

  private counted(key: string, found: RemoteLookup<T>): RemoteLookup<T> {
    if (found.kind === 'miss') this.countMiss(key, found.reason);
    else if (found.kind !== 'unavailable') this.countHit(key, found.entry);
    return found;
  }

  private countMiss(key: string, reason: MissReason): void {
    if (!this.store.holdsEntries) return;
    this.counters.misses++;
    if (this.events.wants('miss')) this.events.emit({ name: 'miss', cache: this.cache, key, tier: 'L2', reason });
  }

  private countHit(key: string, { negative }: Entry<T>): void {
    this.counters.hits++;
    if (this.events.wantsHits) this.events.emit({ name: 'hit', cache: this.cache, key, tier: 'L2', negative });
  }

  private ask<A>(
    key: string,
    tags: readonly string[],
    wish: Wish | undefined,
    use: (found: RemoteLookup<T>) => A | Promise<A>,
  ): Promise<A> {
    if (!this.store.holdsEntries) return NOTHING.then(() => use(missed('absent')));
    const look = { key, tags, generation: this.state.generation };
    const storeKey = this.storeKey(key);
    const mostBytes = maxStoredBytes(this.options);
    const bare = this.judge.needsNoVersions;
    return this.l2.attemptFor(
      'read',
      () => this.store.read(storeKey, tags, mostBytes, wish, bare),
      (read) => {
        const found = this.answered(storeKey, read, wish, look);
        // Waited for only where there is something to wait for: each wait is a turn of the queue of promises.
        return found instanceof Promise ? found.then(use) : use(found);
      },
    );
  }

  private answered(
    storeKey: string,
    read: RemoteRead | undefined,
    wish: Wish | undefined,
    look: Look,
  ): RemoteLookup<T> | Promise<RemoteLookup<T>> {
    if (read === undefined) return UNAVAILABLE;
    // Learnt when it arrives, not after decoding: by then a newer epoch may have begun.
    if (read.head !== undefined) this.state.learnEpoch(read.head.epoch);
    if (read.bytes === undefined) return missed('absent', undefined, this.granted(read, wish, look.tags));
    const decoded = this.decode(storeKey, read.bytes, look.tags);
    if (decoded instanceof Promise) return decoded.then((late) => this.checked(late, read, look));
    return this.checked(decoded, read, look);
  }

  private granted({ grant }: RemoteRead, wish: Wish | undefined, tags: readonly string[]): LoadPermit | undefined {
    if (grant === undefined || wish === undefined) return undefined;
    return permitOf(grant, wish.token, { tags, keptUntil: wish.keptUntil, wasAbsent: true });
  }

  private checked(
    decoded: DecodedEntry<T> | undefined,
    read: RemoteRead,
    look: Look,
  ): RemoteLookup<T> | Promise<RemoteLookup<T>> {
    if (decoded === undefined) return missed('unreadable');
    const checked = this.judge.check(decoded, look.tags, read);
    if (checked instanceof Promise) return checked.then((late) => this.found(decoded, late, look));
    return this.found(decoded, checked, look);
  }

  private found(
    decoded: DecodedEntry<T>,
    checked: Checked | undefined,
    { key, tags, generation }: Look,
  ): RemoteLookup<T> {
    if (checked === undefined) return UNAVAILABLE;
    const { head } = checked;
    const all = union(decoded.tags, tags);
    // What was heard since may have been waiting here when the read began: then its reader must not see less (C5).
    const verdict = head === undefined ? 'deleted' : worseOf(checked.verdict, this.state.verdict(all, head));
    if (verdict === 'deleted' || head === undefined) return missed('invalidated');
    const facts = { proven: head.seq, generation, isExpired: verdict === 'expired' };
    const entry = new Entry(decoded, all, facts, { cache: this.cache, key });
    const age = freshness(entry, this.clock.now());
    if (age === 'dead') return missed('expired');
    if (verdict === 'expired') return missed('invalidated', entry);
    if (age === 'error-only') return missed('expired', entry);
    return { kind: age, entry };
  }

  /** Asks for the version a load may claim. `undefined` when L2 is unavailable: the value stays out of L2. */
  async permit(key: string, tags: readonly string[], takeOver: boolean): Promise<LoadPermit | undefined> {
    const { token, leaseMs, tagTtlMs, keptUntil } = this.wish();
    const request = { key: this.storeKey(key), tags, token, leaseMs, tagTtlMs, takeOver };
    const grant = await this.l2.attempt('grant', () => this.store.grant(request));
    if (grant === undefined) return undefined;
    this.state.learnEpoch(grant.epoch);
    return permitOf(grant, token, { tags, keptUntil, wasAbsent: false });
  }

  private wish(): Wish {
    const { longestLife: tagTtlMs } = this;
    const keptUntil = this.clock.monotonic() + tagTtlMs;
    return { token: newToken(), leaseMs: this.options.loadLease, tagTtlMs, keptUntil };
  }

  /** Where the fleet stands before a write of `key` begins; see {@link RemoteMarks.mark}. */
  mark(key: string, tags: readonly string[]): Promise<Head | undefined> {
    return this.marks.mark(this.storeKey(key), tags, this.longestLife);
  }

  /** Stores `entry`, whose encoded value is `payload`. Returns whether L2 took it. */
  put(key: string, entry: DecodedEntry<T>, payload: Payload, terms: RemoteTerms): Promise<boolean> {
    return this.fills.put(this.storeKey(key), key, entry, payload, terms);
  }

  release(key: string, token: string): Promise<void> {
    return this.fills.release(this.storeKey(key), token);
  }

  /** Name of `key` in the store: cache names have no colon, so two caches never share one. */
  private storeKey(key: string): string {
    return `${this.cache}:${key}`;
  }

  private decode(
    storeKey: string,
    bytes: Buffer,
    likely: readonly string[],
  ): DecodedEntry<T> | undefined | Promise<DecodedEntry<T> | undefined> {
    try {
      const decoded = decodeEntry(storeKey, bytes, this.options.serializer, this.options, likely, true);
      return decoded instanceof Promise ? decoded.catch((error: unknown) => this.unreadable(error)) : decoded;
    } catch (error) {
      return this.unreadable(error);
    }
  }

  private unreadable(error: unknown): undefined {
    if (!(error instanceof UnreadableEntry)) throw error;
    this.l2.failed('decode', error.message);
    return undefined;
  }
}
