import type { Clock } from '../ports/clock';
import type { LocalStore } from '../ports/local-store';
import type { CoherenceState } from '../coherence/coherence-state';
import type { Verdict } from '../coherence/tag-table';
import type { Entry } from '../entry';
import type { CacheEvent, EventHub, MissReason } from '../events';
import { deadAt, freshness } from '../lifetime';
import type { ResolvedCacheOptions } from '../options';
import type { LocalCounters } from '../stats';

/** Heap bytes of an entry besides its value and its names; measured by `npm run bench:memory`. */
export const ENTRY_OVERHEAD_BYTES = 215;

/** What an entry costs more once somebody has waited for it; measured by the same. */
const PROMISE_BYTES = 56;
/** And what one with a validator does. */
const VALIDATOR_BYTES = 48;

/** What L1 says of a key. `ahead` is fresh and due for a refresh in the background (`refreshAhead`). */
export type LocalLookup<T> =
  | { readonly kind: 'fresh' | 'ahead' | 'revalidate'; readonly entry: Entry<T> }
  | { readonly kind: 'miss'; readonly reason: MissReason; readonly fallback: Entry<T> | undefined };

type Objection = 'lease' | 'unknown-version' | 'generation' | Exclude<Verdict, 'valid'>;

/** L1: a synchronous store, and the rule that decides whether an entry may be served without asking L2. */
export class LocalTier<T> {
  constructor(
    readonly cache: string,
    private readonly store: LocalStore,
    private readonly state: CoherenceState,
    private readonly counters: LocalCounters,
    private readonly options: Pick<ResolvedCacheOptions<T>, 'serializer' | 'refreshAhead'>,
    private readonly events: EventHub,
    private readonly clock: Clock,
    private readonly observe?: (key: string) => void,
  ) {}

  get size(): number {
    return this.store.size;
  }

  get bytes(): number {
    return this.store.bytes;
  }

  get bounds(): LocalStore['bounds'] {
    return this.store.bounds;
  }

  /**
   * The hot path: a fresh hit, counted, with two looks at the clocks and nothing built. `undefined` for everything
   * else, which {@link lookup} tells apart.
   */
  hit(key: string, tags: readonly string[]): Entry<T> | undefined {
    const entry = this.fresh(key, tags);
    if (entry !== undefined) this.countHit(key, entry);
    return entry;
  }

  /** The value of an entry that is held, for somebody who waits for nothing else: made once, where there is room. */
  promised(entry: Entry<T>): Promise<T> {
    if (entry.promise !== undefined) return entry.promise;
    const promise = entry.promised();
    if (this.store.grow?.(entry, PROMISE_BYTES) === false) entry.promise = undefined;
    return promise;
  }

  /** {@link hit} that counts nothing: {@link countHit} is for the caller, once it knows that it serves the entry. */
  fresh(key: string, tags: readonly string[]): Entry<T> | undefined {
    const entry = this.store.get(key) as Entry<T> | undefined;
    if (entry === undefined) return undefined;
    const now = this.clock.now();
    if (!entry.isFreshAt(now)) return undefined;
    return this.objection(entry, tags, now) !== undefined || this.isDue(entry, now) ? undefined : entry;
  }

  /**
   * Looks `key` up for a reader that declares `tags`, and counts a hit or a miss. The tags of the key, the
   * cache and the namespace need not be declared: every entry carries them.
   */
  lookup(key: string, tags: readonly string[]): LocalLookup<T> {
    const found = this.judge(key, tags);
    if (found.kind !== 'miss') {
      this.countHit(key, found.entry);
      return found;
    }
    this.observe?.(key);
    this.counters.misses++;
    if (this.events.wants('miss'))
      this.emit({ name: 'miss', cache: this.cache, key, tier: 'L1', reason: found.reason });
    return found;
  }

  /** Whether it would be served at once, fresh; counts nothing and leaves recency alone. */
  holds(key: string): boolean {
    const entry = this.inspect(key);
    if (entry === undefined) return false;
    const now = this.clock.now();
    return entry.isFreshAt(now) && this.objection(entry, [], now) === undefined;
  }

  /** The entry as it is held, whatever it is worth; counts nothing and leaves recency alone. */
  inspect(key: string): Entry<T> | undefined {
    return this.store.peek(key) as Entry<T> | undefined;
  }

  /** Stores unless the entry is dead at wall time `now`, or too large. */
  put(key: string, entry: Entry<T>, now: number): boolean {
    if (now >= Math.min(deadAt(entry), entry.localUntil)) return false;
    const weight = this.weightOf(key, entry);
    if (!this.store.set(key, entry, weight)) return false;
    this.counters.sets++;
    if (this.events.wants('set')) this.emit({ name: 'set', cache: this.cache, key, tier: 'L1', bytes: weight });
    return true;
  }

  /** Accounts for a value that has grown since it was stored. False for one that is not held, or that there is no room for. */
  reweigh(key: string, value: T): boolean {
    const entry = this.inspect(key);
    if (entry?.value !== value) return false;
    const weight = Math.ceil(this.weightOf(key, entry));
    if (this.store.grow !== undefined) return weight <= entry.weight || this.store.grow(entry, weight - entry.weight);
    // A copy: a store may take the same object for nothing new, and keep its old weight.
    return this.store.set(key, entry.copy(), weight);
  }

  /** Drops what a user deleted. */
  delete(key: string): boolean {
    const deleted = this.store.delete(key);
    if (deleted) {
      this.counters.deletes++;
      if (this.events.wants('delete')) this.emit({ name: 'delete', cache: this.cache, key, tier: 'L1' });
    }
    return deleted;
  }

  clear(): void {
    this.store.clear();
  }

  private weightOf(key: string, entry: Entry<T>): number {
    let weight = ENTRY_OVERHEAD_BYTES + 2 * key.length + this.options.serializer.weigh(entry.value);
    if (entry.validator !== '') weight += VALIDATOR_BYTES + entry.validator.length;
    // The names, and what is made of them for whoever asks for an entry by HTTP.
    for (const tag of entry.furtherTags) weight += 2 * tag.length;
    return entry.promise === undefined ? weight : weight + PROMISE_BYTES;
  }

  countHit(key: string, { negative }: Entry<T>): void {
    this.observe?.(key);
    this.counters.hits++;
    if (negative) this.counters.negativeHits++;
    if (this.events.wantsHits) this.emit({ name: 'hit', cache: this.cache, key, tier: 'L1', negative });
  }

  private judge(key: string, tags: readonly string[]): LocalLookup<T> {
    const entry = this.store.get(key) as Entry<T> | undefined;
    if (entry === undefined) return { kind: 'miss', reason: 'absent', fallback: undefined };
    const now = this.clock.now();
    const age = freshness(entry, now);
    if (age === 'dead') {
      this.store.delete(key);
      this.counters.expirations++;
      return { kind: 'miss', reason: 'expired', fallback: undefined };
    }
    const objection = this.objection(entry, tags, now);
    if (objection !== undefined) return this.refusal(key, entry, objection);
    if (age === 'error-only' || now >= entry.localUntil) return { kind: 'miss', reason: 'expired', fallback: entry };
    return { kind: age === 'fresh' && this.isDue(entry, now) ? 'ahead' : age, entry };
  }

  /** Why an entry may not be served, whatever its age; `undefined` when it may. */
  private objection(entry: Entry<T>, tags: readonly string[], now: number): Objection | undefined {
    if (!this.state.leaseHeldAt(now)) return 'lease';
    // A tag the entry does not carry was never checked for it: `proven` says nothing about that one.
    if (tags.length > 0 && !entry.carries(tags)) return 'unknown-version';
    if (entry.generation !== this.state.generation) return 'generation';
    const invalidated = this.invalidated(entry);
    return invalidated === 'valid' ? undefined : invalidated;
  }

  private refusal(key: string, entry: Entry<T>, objection: Objection): LocalLookup<T> {
    switch (objection) {
      case 'deleted':
        this.store.delete(key);
        return { kind: 'miss', reason: 'invalidated', fallback: undefined };
      case 'expired':
        return { kind: 'miss', reason: 'invalidated', fallback: entry };
      case 'unknown-version':
        return { kind: 'miss', reason: objection, fallback: undefined };
      case 'lease':
      case 'generation':
        return { kind: 'miss', reason: objection, fallback: entry };
    }
  }

  private isDue(entry: Entry<T>, now: number): boolean {
    const { refreshAhead } = this.options;
    if (refreshAhead === 0 || now < entry.retryAfter) return false;
    return now >= entry.createdAt + (entry.freshUntil - entry.createdAt) * refreshAhead;
  }

  /** The rule of validity against what was heard; skipped while nothing was heard since the last check. */
  private invalidated(entry: Entry<T>): Verdict {
    const changes = this.state.table.changes;
    if (entry.checkedAt === changes) return 'valid';
    const verdict = this.state.verdictOf(entry);
    if (verdict === 'valid') entry.checkedAt = changes;
    return verdict;
  }

  private emit(event: CacheEvent): void {
    this.events.emit(event);
  }
}
