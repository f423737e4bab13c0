import { tagOfKey } from './coherence/tags';
import { assertKey, protocolTags, userTags } from './keys';
import { seal } from './sealing';
import { resolveEntryOptions } from './options';
import type { Head } from './ports/remote-store';
import type { ReadOptions } from './read-options';
import type { RemoteTier } from './tiers/remote-tier';
import type { WriteParts } from './writes';

/** How a {@link Puts.put} ended. */
export interface PutResult<T> {
  /** What `produce` returned. */
  readonly value: T;
  /** True when the value was given to the tiers; false when the next reader loads. */
  readonly stored: boolean;
  /** See {@link InvalidationResult.deferred}. */
  readonly deferred: boolean;
}

/**
 * Values that come from a write. Of two writers at a time the one whose answer comes last need not be the one
 * that committed last, so a value is kept only if nobody else has invalidated its key or its tags between the
 * mark taken before the write and the invalidation after it: everybody who committed in between has.
 */
export class Puts<T> {
  constructor(
    private readonly parts: WriteParts<T>,
    private readonly remote: RemoteTier<T>,
  ) {}

  async put(
    key: string,
    produce: () => T | Promise<T>,
    options: ReadOptions,
    learn: (value: T) => ReadOptions = () => ({}),
  ): Promise<PutResult<T>> {
    assertKey(key);
    const { name, state, invalidator } = this.parts;
    const own = tagOfKey(name, key);
    const declared = protocolTags(name, key, userTags(options.tags));
    const before = await this.remote.mark(key, declared);
    const { generation } = state;
    const value = await produce();
    const unheard = before !== undefined && state.verdict([own], before) === 'valid';
    const { deferred, version, prior } = await invalidator.originate([own], 'delete');
    const known = this.remote.marks.areShared ? prior !== undefined && prior <= (before?.seq ?? -1) : true;
    const result = { value, stored: false, deferred };
    if (value === undefined) return result;
    // Only now: whatever comes of it, the entry from before the write is gone.
    const learnt = learn(value);
    if (!unheard || !known || version === undefined) return result;
    const tags = [...new Set([...declared, ...userTags(learnt.tags)])];
    const others = tags.filter((tag) => tag !== own);
    if (!(await this.isStillNewest(own, others, before, version))) {
      // A tag that L2 has never heard of proves nothing; from now on it knows it.
      if (learnt.tags !== undefined) this.parts.fills.track(this.remote.mark(key, tags));
      return result;
    }
    return {
      ...result,
      stored: this.store(key, value, { born: version, tags, generation }, { ...options, ...learnt }),
    };
  }

  private async isStillNewest(own: string, others: readonly string[], before: Head, version: Head): Promise<boolean> {
    const { state } = this.parts;
    if (before.epoch !== version.epoch) return false;
    if (!(await this.remote.marks.areUnchanged(others, before))) return false;
    return state.verdict(others, before) === 'valid' && state.verdict([own], version) === 'valid';
  }

  private store(
    key: string,
    value: T,
    { born, tags, generation }: { born: Head; tags: readonly string[]; generation: number },
    options: ReadOptions,
  ): boolean {
    const { options: cache, fills, clock } = this.parts;
    const what = { declined: false, notModified: false, born, tags, validator: '' };
    const sealed = seal(value, what, resolveEntryOptions(options, cache), cache, clock);
    fills.reportRefusal(key, sealed);
    if (!sealed.storable) return false;
    fills.store(key, sealed, { born, granted: false, token: '' }, generation);
    return true;
  }
}
