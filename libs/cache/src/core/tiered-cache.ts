import type { Clock } from './ports/clock';
import type { LocalStore } from './ports/local-store';
import type { CoherenceState } from './coherence/coherence-state';
import type { InvalidationResult, Invalidator } from './coherence/invalidator';
import { EVERYTHING, everythingIn, tagOfKey, userTag } from './coherence/tags';
import { deadAt } from './entry';
import { CacheError } from './errors';
import type { EventHub } from './events';
import type { Fills } from './fills';
import { Loading, seal, type Loader } from './loading';
import { resolveEntryOptions, type EntryOptions, type ResolvedCacheOptions } from './options';
import type { ReadResult } from './read-result';
import type { ReadThrough } from './read-through';
import type { CacheCounters } from './stats';
import type { LocalLookup, LocalTier } from './tiers/local-tier';
import type { RemoteTier } from './tiers/remote-tier';

/** Longest key, in UTF-16 code units. */
export const MAX_KEY_LENGTH = 8_192;

/** Options of one read or write. */
export interface ReadOptions extends EntryOptions {
  /** What the value depends on; invalidating any of them makes it a miss. @default [] */
  tags?: readonly string[];
}

/** Parts a {@link TieredCache} is assembled from; `Strata.cache()` does it. */
export interface TieredCacheParts<T> {
  readonly name: string;
  readonly options: ResolvedCacheOptions<T>;
  readonly local: LocalTier<T>;
  readonly remote: RemoteTier<T>;
  readonly reader: ReadThrough<T>;
  readonly fills: Fills<T>;
  readonly invalidator: Invalidator;
  readonly state: CoherenceState;
  readonly counters: CacheCounters;
  readonly events: EventHub;
  readonly clock: Clock;
}

/** Explains one entry: who holds it and whether it may be served. */
export interface EntryExplanation {
  readonly key: string;
  readonly L1: { ageMs: number; ttlMs: number; bytes: number; negative: boolean; tags: readonly string[] } | undefined;
}

/**
 * One named cache over both tiers.
 *
 * @publicApi
 */
export class TieredCache<T = unknown> {
  constructor(private readonly parts: TieredCacheParts<T>) {}

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

  /** What L1 may serve at once, fresh only; counts as a look-up. For callers that cannot wait. */
  peek(key: string, options: ReadOptions = NO_OPTIONS): T | undefined {
    const found = this.parts.local.lookup(key, userTags(options.tags));
    return found.kind === 'fresh' ? found.entry.value : undefined;
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
    return this.read(key, loader, options, tags, this.parts.local.lookup(key, tags));
  }

  /** The hot path: on an L1 hit nothing is built but the promise. */
  private async value(key: string, loader: Loader<T> | undefined, options: ReadOptions): Promise<T | undefined> {
    assertKey(key);
    const tags = userTags(options.tags);
    const found = this.parts.local.lookup(key, tags);
    if (found.kind === 'fresh') return found.entry.value;
    return (await this.read(key, loader, options, tags, found)).value;
  }

  private read(
    key: string,
    loader: Loader<T> | undefined,
    options: ReadOptions,
    declared: readonly string[],
    found: LocalLookup<T>,
  ): Promise<ReadResult<T>> {
    const { parts } = this;
    const tags = this.protocolTags(key, declared);
    const loading =
      loader === undefined
        ? undefined
        : new Loading(loader, tags, resolveEntryOptions(options, parts.options), parts.options, parts.clock);
    return parts.reader.read({ key, tags, loading }, found);
  }

  /** Replaces the value in both tiers and invalidates other instances' copies. Resolves when both have it. */
  async set(key: string, value: T, options: ReadOptions = {}): Promise<InvalidationResult> {
    const { parts } = this;
    assertKey(key);
    const tags = this.protocolTags(key, userTags(options.tags));
    if (value === undefined) throw new CacheError('ENTRY_REFUSED', 'undefined stands for absence; cache null instead');
    const generation = parts.state.generation;
    const result = await parts.invalidator.originate([tagOfKey(parts.name, key)], 'delete');
    const born = result.version;
    // Deferred, or the epoch has changed while waiting: the value has no version it could rest on.
    if (born === undefined || born.epoch !== parts.state.epoch) return result;
    const entryOptions = resolveEntryOptions(options, parts.options);
    const sealed = seal(value, false, born, tags, entryOptions, parts.options, parts.clock);
    if (!sealed.storable) return result;
    await parts.fills.store(key, sealed, { born, granted: false, token: '' }, generation).remote;
    return result;
  }

  /** Gone everywhere, with no stale fallback. */
  async delete(key: string): Promise<InvalidationResult> {
    assertKey(key);
    this.parts.local.delete(key);
    const result = await this.parts.invalidator.originate([tagOfKey(this.name, key)], 'delete');
    if (!result.deferred && this.parts.state.mode !== 'off') this.counters.remote.deletes++;
    return result;
  }

  /** Stale now, kept for `staleIfError`. */
  async expire(key: string): Promise<InvalidationResult> {
    assertKey(key);
    return this.parts.invalidator.originate([tagOfKey(this.name, key)], 'expire');
  }

  /** Everything in this cache, whatever the number of entries. Counters go on. */
  clear(): Promise<InvalidationResult> {
    this.parts.local.clear();
    if (this.parts.events.active) this.parts.events.emit({ name: 'clear', cache: this.name });
    return this.parts.invalidator.originate([everythingIn(this.name)], 'delete');
  }

  /** Drops the copies of this instance only; L2 and other instances keep theirs. */
  clearLocal(): void {
    this.parts.local.clear();
  }

  /** What L1 holds of `key`, without serving it. */
  explain(key: string): EntryExplanation {
    const entry = this.parts.local.inspect(key);
    if (entry === undefined) return { key, L1: undefined };
    const now = this.parts.clock.now();
    const { bytes, negative, tags, createdAt } = entry;
    return { key, L1: { ageMs: now - createdAt, ttlMs: deadAt(entry) - now, bytes, negative, tags } };
  }

  /** Resolves when nothing is being loaded or stored. */
  settled(): Promise<void> {
    return this.parts.reader.settled();
  }

  /** Every tag an entry carries: its key, its cache, the namespace, and what the user declares. */
  private protocolTags(key: string, declared: readonly string[]): string[] {
    return [tagOfKey(this.name, key), EVERYTHING, everythingIn(this.name), ...declared];
  }
}

const NO_OPTIONS: ReadOptions = Object.freeze({});
const NO_TAGS: readonly string[] = Object.freeze([]);

function userTags(tags: readonly string[] | undefined): readonly string[] {
  return tags === undefined || tags.length === 0 ? NO_TAGS : [...new Set(tags)].map(userTag);
}

function assertKey(key: string): void {
  if (typeof key !== 'string' || key.length === 0 || key.length > MAX_KEY_LENGTH || !key.isWellFormed()) {
    throw new CacheError('INVALID_KEY', `a key is a well-formed string of 1 to ${MAX_KEY_LENGTH} characters`);
  }
}
