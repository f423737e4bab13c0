import type { ManyLoader } from './batch-load';
import { present, readMany } from './batch-read';
import type { LocalStore } from './ports/local-store';
import type { InvalidationResult } from './coherence/invalidator';
import { explainEntry, type EntryExplanation } from './explain';
import { assertKey, NO_TAGS, protocolTags, userTags } from './keys';
import type { Loader } from './loader-context';
import { Loading } from './loading';
import { resolveEntryOptions } from './options';
import type { ReadOptions } from './read-options';
import { asItIs, type ReadResult } from './read-result';
import type { CacheCounters } from './stats';
import type { LocalLookup, LocalTier } from './tiers/local-tier';
import { untilAborted } from './until-aborted';
import { Puts, type PutResult } from './puts';
import type { TieredCacheParts } from './tiered-cache-parts';
import { Writes } from './writes';

/**
 * One named cache over both tiers.
 *
 * @publicApi
 */
export class TieredCache<T = unknown> {
  private readonly writes: Writes<T>;
  private readonly puts: Puts<T>;
  /** All readers have the same value; else each has a copy of its own, which may fail to be made. */
  private readonly isShared: boolean;

  constructor(private readonly parts: TieredCacheParts<T>) {
    this.writes = new Writes(parts);
    this.puts = new Puts(parts, parts.remote);
    this.isShared = parts.options.serializer.copy === undefined;
  }

  get name(): string {
    return this.parts.name;
  }

  /** Id of the serializer that this cache was made with. */
  get serializerId(): number {
    return this.parts.options.serializer.id;
  }

  get counters(): CacheCounters {
    return this.parts.counters;
  }

  /** Fill state and bounds of L1. */
  get localUsage(): { size: number; bytes: number; bounds: LocalStore['bounds'] } {
    const { size, bytes, bounds } = this.parts.local;
    return { size, bytes, bounds };
  }

  /** Loads in progress. */
  get flights(): number {
    return this.parts.reader.flights.size;
  }

  /** What L1 may serve at once, fresh only; counts as a look-up. For callers that cannot wait. */
  peek(key: string, options: ReadOptions = NO_OPTIONS): T | undefined {
    const entry = this.shared?.hit(key, userTags(options.tags));
    if (entry !== undefined) return this.handOut(entry.value);
    const found = this.parts.local.lookup(key, userTags(options.tags));
    return found.kind === 'fresh' || found.kind === 'ahead' ? this.handOut(found.entry.value) : undefined;
  }

  /** @internal L1 itself, where all readers share one value; `undefined` where each gets a copy. */
  get shared(): LocalTier<T> | undefined {
    return this.isShared ? this.parts.local : undefined;
  }

  /** L1, then L2 with back-fill for the remaining life. Never loads; `undefined` means absent. */
  get(key: string, options: ReadOptions = NO_OPTIONS): Promise<T | undefined> {
    return this.value(key, undefined, options);
  }

  /**
   * `get`, else one load for all callers, store, return.
   *
   * Everybody receives the stored form of the value (what the serializer makes of it), the caller that
   * loaded it included. The loader's own errors reach every waiting caller unchanged.
   */
  getOrSet(key: string, loader: Loader<T>, options: ReadOptions = NO_OPTIONS): Promise<T | undefined> {
    return this.value(key, loader, options);
  }

  /** {@link getOrSet} that also says where the value came from. */
  async fetch(key: string, loader: Loader<T>, options: ReadOptions = NO_OPTIONS): Promise<ReadResult<T>> {
    assertKey(key);
    const tags = userTags(options.tags);
    return this.read(key, loader, options, tags, this.parts.local.lookup(key, tags), this.handOutAll);
  }

  /** {@link get} that also says where the value came from; `value` is `undefined` when nothing was found. */
  async inquire(key: string, options: ReadOptions = NO_OPTIONS): Promise<ReadResult<T>> {
    assertKey(key);
    const tags = userTags(options.tags);
    return this.read(key, undefined, options, tags, this.parts.local.lookup(key, tags), this.handOutAll);
  }

  /** Not `async`: a hit without declared tags makes nothing, but for the promise of the first. */
  private value(key: string, loader: Loader<T> | undefined, options: ReadOptions): Promise<T | undefined> {
    try {
      const entry = options.tags === undefined && this.isShared ? this.parts.local.hit(key, NO_TAGS) : undefined;
      return entry === undefined ? this.findValue(key, loader, options) : this.parts.local.promised(entry);
    } catch (error) {
      return Promise.reject(error);
    }
  }

  private findValue(key: string, loader: Loader<T> | undefined, options: ReadOptions): Promise<T | undefined> {
    assertKey(key);
    const tags = userTags(options.tags);
    const found = this.parts.local.lookup(key, tags);
    if (found.kind === 'fresh') return Promise.resolve(this.handOut(found.entry.value));
    return this.read(key, loader, options, tags, found, this.handOutOf);
  }

  /** One function for all reads. */
  private readonly handOutOf = ({ value }: ReadResult<T>): T | undefined => this.handOut(value);
  private readonly handOutAll = (all: ReadResult<T>): ReadResult<T> => ({ ...all, value: this.handOut(all.value) });

  private read<A>(
    key: string,
    loader: Loader<T> | undefined,
    options: ReadOptions,
    declared: readonly string[],
    found: LocalLookup<T>,
    use: (result: ReadResult<T>) => A,
  ): Promise<A> {
    const { parts } = this;
    const tags = protocolTags(this.name, key, declared);
    const loading =
      loader === undefined
        ? undefined
        : new Loading(loader, tags, resolveEntryOptions(options, parts.options), parts.options, parts.clock);
    const localTtl = loading?.localTtl ?? resolveEntryOptions(options, parts.options).localTtl;
    const result = parts.reader.readFor({ key, tags, localTtl, loading }, found, use);
    return options.signal === undefined ? result : untilAborted(result, options.signal);
  }

  /** Brings `key` into L1 from L2, or by `loader`, for nobody in particular: counts as no look-up. */
  async preload(key: string, loader?: Loader<T>, options: ReadOptions = NO_OPTIONS): Promise<ReadResult<T>> {
    assertKey(key);
    return this.read(key, loader, options, userTags(options.tags), UNKNOWN, asItIs);
  }

  /** Whether L1 would serve `key` at once, fresh; counts as no look-up. */
  holds(key: string): boolean {
    return this.parts.local.holds(key);
  }

  /** {@link get} of many keys at once; absent keys are left out. */
  async getMany(keys: readonly string[], options: ReadOptions = NO_OPTIONS): Promise<Map<string, T>> {
    const values = await Promise.all(keys.map((key) => this.get(key, options)));
    return present(keys, values);
  }

  /**
   * {@link getOrSet} of many keys: one pass over L1, one round trip to L2, one run of the loader with just
   * the keys that nobody has and nobody else is loading. Absent keys are left out of the answer.
   */
  async getOrSetMany(
    keys: readonly string[],
    loader: ManyLoader<T>,
    options: ReadOptions = NO_OPTIONS,
  ): Promise<Map<string, T>> {
    const unique = [...new Set(keys)];
    const values = await readMany(this.parts, unique, loader, options);
    return present(unique, values, (value) => this.handOut(value));
  }

  /** Replaces the value in both tiers and invalidates other instances' copies. Resolves when both have it. */
  set(key: string, value: T, options: ReadOptions = NO_OPTIONS): Promise<InvalidationResult> {
    return this.writes.setMany(new Map([[key, value]]), options);
  }

  /** {@link set} of many keys with one invalidation. */
  setMany(entries: ReadonlyMap<string, T>, options: ReadOptions = NO_OPTIONS): Promise<InvalidationResult> {
    return this.writes.setMany(entries, options);
  }

  /**
   * Runs `produce`, which writes and returns what it wrote; then the key is invalidated everywhere and the value
   * kept, unless another write of the same key or of a tag may have come between: then the next read loads. So
   * two writers at a time need no order of their own, as {@link set} would ask for.
   *
   * @param learn tags and options that only the value knows
   */
  put(
    key: string,
    produce: () => T | Promise<T>,
    options: ReadOptions = NO_OPTIONS,
    learn?: (value: T) => ReadOptions,
  ): Promise<PutResult<T>> {
    return this.puts.put(key, produce, options, learn);
  }

  /** Gone everywhere, with no stale fallback. */
  delete(key: string): Promise<InvalidationResult> {
    return this.writes.deleteMany([key]);
  }

  /** {@link delete} of many keys with one invalidation. */
  deleteMany(keys: readonly string[]): Promise<InvalidationResult> {
    return this.writes.deleteMany(keys);
  }

  /** Stale now, kept for `staleIfError`. */
  expire(key: string): Promise<InvalidationResult> {
    return this.writes.expire(key);
  }

  /** Everything in this cache, whatever the number of entries. Counters go on. */
  clear(): Promise<InvalidationResult> {
    return this.writes.clear();
  }

  /** Drops the copies of this instance only; L2 and other instances keep theirs. */
  clearLocal(): void {
    this.parts.local.clear();
  }

  /** For values that grow while they are kept, like an answer that learns another encoding: L1 weighs `value` again. */
  reweigh(key: string, value: T): boolean {
    return this.parts.local.reweigh(key, value);
  }

  /** What each tier holds of `key` and would do with it; serves, counts and loads nothing. */
  explain(key: string): Promise<EntryExplanation> {
    return explainEntry(this.parts, key);
  }

  /** Resolves when nothing is being loaded or stored. */
  settled(): Promise<void> {
    return this.parts.reader.settled();
  }

  /** What every reader may have: the shared value, or a copy of its own where it could be changed. */
  private handOut(value: T | undefined): T | undefined {
    const { serializer } = this.parts.options;
    return serializer.copy === undefined || value === undefined ? value : serializer.copy(value);
  }
}

const NO_OPTIONS: ReadOptions = Object.freeze({});
const UNKNOWN = Object.freeze({ kind: 'miss', reason: 'absent', fallback: undefined } as const);
