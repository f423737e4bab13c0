import type { Clock } from './ports/clock';
import type { CoherenceState } from './coherence/coherence-state';
import type { InvalidationResult, Invalidator } from './coherence/invalidator';
import { everythingIn, tagOfKey } from './coherence/tags';
import type { EventHub } from './events';
import type { Fills } from './fills';
import { assertKey, assertStorable, protocolTags, userTags } from './keys';
import { seal } from './sealing';
import { resolveEntryOptions, type ResolvedCacheOptions } from './options';
import type { CacheCounters } from './stats';
import type { LocalTier } from './tiers/local-tier';
import type { ReadOptions } from './read-options';

/** Parts of {@link Writes}. */
export interface WriteParts<T> {
  readonly name: string;
  readonly options: ResolvedCacheOptions<T>;
  /** False when there is no L2 to delete from. */
  readonly hasRemote: boolean;
  readonly local: LocalTier<T>;
  readonly fills: Fills<T>;
  readonly invalidator: Invalidator;
  readonly state: CoherenceState;
  readonly counters: CacheCounters;
  readonly events: EventHub;
  readonly clock: Clock;
}

/** What changes a cache from outside. Each write is one invalidation, however many keys it names. */
export class Writes<T> {
  constructor(private readonly parts: WriteParts<T>) {}

  async setMany(entries: ReadonlyMap<string, T>, options: ReadOptions): Promise<InvalidationResult> {
    const { state, invalidator, name } = this.parts;
    for (const [key, value] of entries) assertStorable(key, value);
    const declared = userTags(options.tags);
    const { generation } = state;
    const result = await invalidator.originate(
      [...entries.keys()].map((key) => tagOfKey(name, key)),
      'delete',
    );
    const born = result.version;
    // Deferred, or the epoch has changed while waiting: the values have no version they could rest on.
    if (born === undefined || born.epoch !== state.epoch) return result;
    const { options: cacheOptions, fills, clock } = this.parts;
    const entryOptions = resolveEntryOptions(options, cacheOptions);
    const permit = { born, granted: false, token: '' };
    const stores = [...entries].map(async ([key, value]) => {
      const tags = protocolTags(name, key, declared);
      const what = { declined: false, notModified: false, born, tags, validator: '' };
      const sealed = seal(value, what, entryOptions, cacheOptions, clock);
      fills.reportRefusal(key, sealed);
      if (sealed.storable) await fills.store(key, sealed, permit, generation).remote;
    });
    await Promise.all(stores);
    return result;
  }

  async deleteMany(keys: readonly string[]): Promise<InvalidationResult> {
    const { local, invalidator, name, counters, events } = this.parts;
    keys.forEach(assertKey);
    for (const key of keys) local.delete(key);
    const result = await invalidator.originate(
      keys.map((key) => tagOfKey(name, key)),
      'delete',
    );
    if (result.deferred || !this.parts.hasRemote) return result;
    counters.remote.deletes += keys.length;
    for (const key of events.wants('delete') ? keys : []) events.emit({ name: 'delete', cache: name, key, tier: 'L2' });
    return result;
  }

  async expire(key: string): Promise<InvalidationResult> {
    assertKey(key);
    const { events, name } = this.parts;
    if (events.wants('expire')) events.emit({ name: 'expire', cache: name, key });
    return this.parts.invalidator.originate([tagOfKey(this.parts.name, key)], 'expire');
  }

  clear(): Promise<InvalidationResult> {
    const { local, events, name, invalidator } = this.parts;
    local.clear();
    if (events.wants('clear')) events.emit({ name: 'clear', cache: name });
    return invalidator.originate([everythingIn(name)], 'delete');
  }
}
