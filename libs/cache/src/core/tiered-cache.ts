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
import type { LocalTier } from './tiers/local-tier';
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

  /** L1, then L2 with back-fill for the remaining life. Never loads; `undefined` means absent. */
  async get(key: string, options: ReadOptions = {}): Promise<T | undefined> {
    const result = await this.parts.reader.read({
      key,
      tags: this.protocolTags(key, options.tags),
      loading: undefined,
    });
    return result.value;
  }

  /**
   * `get`, else one load for all callers, store, return.
   *
   * Everybody receives the stored form of the value (what the serializer makes of it), the caller that
   * loaded it included. The loader's own errors reach every waiting caller unchanged.
   */
  async getOrSet(key: string, loader: Loader<T>, options: ReadOptions = {}): Promise<T | undefined> {
    return (await this.fetch(key, loader, options)).value;
  }

  /** {@link getOrSet} that also says where the value came from. */
  fetch(key: string, loader: Loader<T>, options: ReadOptions = {}): Promise<ReadResult<T>> {
    const tags = this.protocolTags(key, options.tags);
    const entryOptions = resolveEntryOptions(options, this.parts.options);
    const loading = new Loading(loader, tags, entryOptions, this.parts.options, this.parts.clock);
    return this.parts.reader.read({ key, tags, loading });
  }

  /** Replaces the value in both tiers and invalidates other instances' copies. Resolves when both have it. */
  async set(key: string, value: T, options: ReadOptions = {}): Promise<InvalidationResult> {
    const { parts } = this;
    const tags = this.protocolTags(key, options.tags);
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
    const tags = this.protocolTags(key, undefined);
    this.parts.local.delete(key);
    const result = await this.parts.invalidator.originate(tags.slice(0, 1), 'delete');
    if (!result.deferred && this.parts.state.mode !== 'off') this.counters.remote.deletes++;
    return result;
  }

  /** Stale now, kept for `staleIfError`. */
  expire(key: string): Promise<InvalidationResult> {
    return this.parts.invalidator.originate(this.protocolTags(key, undefined).slice(0, 1), 'expire');
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

  /** The key's own tag comes first; see {@link delete}. */
  private protocolTags(key: string, tags: readonly string[] | undefined): string[] {
    if (typeof key !== 'string' || key.length === 0 || key.length > MAX_KEY_LENGTH || !key.isWellFormed()) {
      throw new CacheError('INVALID_KEY', `a key is a well-formed string of 1 to ${MAX_KEY_LENGTH} characters`);
    }
    const own = [tagOfKey(this.parts.name, key), EVERYTHING, everythingIn(this.parts.name)];
    if (tags !== undefined) for (const tag of new Set(tags)) own.push(userTag(tag));
    return own;
  }
}
