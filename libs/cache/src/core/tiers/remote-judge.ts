import type { CoherenceState } from '../coherence/coherence-state';
import { judge, type Verdict } from '../coherence/tag-table';
import type { DecodedEntry } from '../entry';
import type { Head, RemoteRead, RemoteStore, TagRead, TagVersion } from '../ports/remote-store';
import type { RemoteAttempts } from './remote-attempts';

/** What L2 says of an entry, and the version from which on what was heard counts: where the fleet stood, or its birth. */
export interface Checked {
  readonly verdict: Verdict;
  readonly head: Head | undefined;
}

type Judged = Pick<DecodedEntry, 'tags' | 'born'>;

/** So many entries in a row have to be young enough before versions are left out: a wrong guess is a round trip. */
const ENOUGH = 4;

/**
 * Judges what L2 holds: by what this instance has heard, where that is everything since an entry was born, else by the
 * versions that L2 knows.
 */
export class RemoteJudge {
  private heardOfInARow = 0;

  constructor(
    private readonly store: RemoteStore,
    private readonly state: CoherenceState,
    private readonly l2: RemoteAttempts,
  ) {}

  /** Whether the next entry can probably be judged without versions. */
  get needsNoVersions(): boolean {
    return this.heardOfInARow >= ENOUGH && this.state.isHearing;
  }

  /**
   * What speaks against the entry besides what this instance has heard. Its own tags are checked too: where it has not
   * heard of everything, those that the reader did not declare cost a second round trip.
   */
  check(entry: Judged, declared: readonly string[], read: RemoteRead): Checked | Promise<Checked | undefined> {
    const isHeardOf = this.state.hasHeardAllSince(entry.born);
    this.heardOfInARow = isHeardOf ? this.heardOfInARow + 1 : 0;
    // What this instance has heard is asked of every entry, by the caller.
    if (isHeardOf) return { verdict: 'valid', head: entry.born };
    return read.isBare === true ? this.checkAll(entry, declared) : this.checkTold(entry, declared, read);
  }

  /** An entry that is older than what was heard of, and came without versions. */
  private async checkAll(entry: Judged, declared: readonly string[]): Promise<Checked | undefined> {
    const tags = union(entry.tags, declared);
    const read = await this.l2.attempt('read', () => this.store.readTags(tags));
    if (read === undefined) return undefined;
    if (read.head !== undefined) this.state.learnEpoch(read.head.epoch);
    return { verdict: this.judgeAll(entry, tags, read, read.versions), head: read.head };
  }

  private checkTold(
    entry: Judged,
    declared: readonly string[],
    read: RemoteRead,
  ): Checked | Promise<Checked | undefined> {
    const first = this.judgeAll(entry, declared, read, read.versions);
    if (first !== 'valid' || entry.tags === declared) return { verdict: first, head: read.head };
    const further = entry.tags.filter((tag) => !declared.includes(tag));
    if (further.length === 0) return { verdict: 'valid', head: read.head };
    const { own } = read;
    if (own === undefined) return this.checkFurther(entry, further, read);
    return this.secondLook(entry, further, read, { head: read.head, versions: further.map((tag) => own.get(tag)) });
  }

  private async checkFurther(
    entry: Judged,
    further: readonly string[],
    read: RemoteRead,
  ): Promise<Checked | undefined> {
    const second = await this.l2.attempt('read', () => this.store.readTags(further));
    return second === undefined ? undefined : this.secondLook(entry, further, read, second);
  }

  private secondLook(entry: Judged, further: readonly string[], read: RemoteRead, second: TagRead): Checked {
    // `proven` is the older head: the declared tags were only checked against that one.
    const verdict = this.judgeAll(entry, further, second, second.versions);
    return { verdict: second.head?.epoch === read.head?.epoch ? verdict : 'deleted', head: read.head };
  }

  private judgeAll(
    entry: Judged,
    tags: readonly string[],
    read: TagRead,
    versions: readonly (TagVersion | undefined)[],
  ): Verdict {
    const epoch = read.head?.epoch;
    if (epoch === undefined || epoch !== entry.born.epoch || epoch !== this.state.epoch) return 'deleted';
    if (this.state.hasUndelivered(tags)) return 'deleted';
    let worst: Verdict = 'valid';
    for (const version of versions) {
      // A tag that L2 does not know may have been invalidated and forgotten: unknown means invalid.
      const verdict = version === undefined ? 'deleted' : judge(version, entry.born.seq);
      if (verdict === 'deleted') return verdict;
      if (verdict === 'expired') worst = verdict;
    }
    return worst;
  }
}

export function union(a: readonly string[], b: readonly string[]): readonly string[] {
  if (a === b) return a;
  const further = b.filter((tag) => !a.includes(tag));
  return further.length === 0 ? a : [...a, ...further];
}
