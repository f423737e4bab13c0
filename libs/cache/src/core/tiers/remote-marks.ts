import { randomUUID } from 'node:crypto';
import type { CoherenceState } from '../coherence/coherence-state';
import { judge } from '../coherence/tag-table';
import type { Head, RemoteStore, TagVersion } from '../ports/remote-store';
import type { RemoteAttempts } from './remote-attempts';

/** What a write needs to know of the versions in L2. */
export class RemoteMarks {
  constructor(
    private readonly store: RemoteStore,
    private readonly state: CoherenceState,
    private readonly l2: RemoteAttempts,
  ) {}

  /** False: versions are those of this process, and the local table knows them all. */
  get areShared(): boolean {
    return this.store.holdsEntries;
  }

  /**
   * Where the fleet stands before a write begins, with all `tags` known from then on, for `tagTtlMs` at least.
   * It is a grant under a name of its own: loaders of the key are not held up.
   */
  async mark(storeKey: string, tags: readonly string[], tagTtlMs: number): Promise<Head | undefined> {
    const request = { key: `${storeKey}\u0001put`, tags, token: randomUUID(), leaseMs: 1, tagTtlMs, takeOver: true };
    const grant = await this.l2.attempt('grant', () => this.store.grant(request));
    if (grant === undefined) return undefined;
    this.state.learnEpoch(grant.epoch);
    return { epoch: grant.epoch, seq: grant.seq };
  }

  /** Versions of `tags` as L2 has them; none while it cannot be asked. */
  async versionsOf(tags: readonly string[]): Promise<ReadonlyMap<string, TagVersion | undefined>> {
    if (!this.areShared) return new Map();
    const read = await this.l2.attempt('read', () => this.store.readTags(tags));
    return new Map(read === undefined ? [] : tags.map((tag, i) => [tag, read.versions[i]]));
  }

  /** True when L2 knows that none of `tags` was invalidated after `since`; always where versions are not shared. */
  async areUnchanged(tags: readonly string[], since: Head): Promise<boolean> {
    if (!this.areShared) return true;
    const read = await this.l2.attempt('read', () => this.store.readTags(tags));
    if (read?.head?.epoch !== since.epoch) return false;
    return read.versions.every((version) => version !== undefined && judge(version, since.seq) === 'valid');
  }
}
