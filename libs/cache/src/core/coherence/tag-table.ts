import type { InvalidationMode, TagVersion } from '../ports/remote-store';

/** What the known invalidations say about a value. */
export type Verdict = 'valid' | 'expired' | 'deleted';

/**
 * Compares one tag's versions with the version `since` a value rests on: `deleted` if the tag was
 * deleted later, `expired` if it was only expired later.
 */
export function judge(version: TagVersion, since: number): Verdict {
  if (version.deleted > since) return 'deleted';
  return version.expired > since ? 'expired' : 'valid';
}

export function worseOf(a: Verdict, b: Verdict): Verdict {
  if (a === 'deleted' || b === 'deleted') return 'deleted';
  return a === 'expired' ? a : b;
}

/**
 * Bounded table *tag → newest invalidation heard*. What falls out of it raises the floor: everything
 * that rests on a version below the floor counts as deleted, because its tag may have been forgotten.
 */
export class TagTable {
  private readonly heard = new Map<string, TagVersion>();
  private floorSeq = 0;
  private newest = 0;
  private changeCount = 0;

  constructor(private readonly maxTags: number) {}

  /** Raised by every change; equal counters mean an equal table. */
  get changes(): number {
    return this.changeCount;
  }

  get size(): number {
    return this.heard.size;
  }

  get floor(): number {
    return this.floorSeq;
  }

  /** Records invalidation `seq` of `tags`. Out-of-order calls are harmless: versions only grow. */
  hear(tags: readonly string[], seq: number, mode: InvalidationMode): void {
    this.changeCount++;
    this.newest = Math.max(this.newest, seq);
    for (const tag of tags) {
      const old = this.heard.get(tag) ?? { deleted: 0, expired: 0 };
      const next =
        mode === 'delete'
          ? { deleted: Math.max(old.deleted, seq), expired: Math.max(old.expired, seq) }
          : { deleted: old.deleted, expired: Math.max(old.expired, seq) };
      this.heard.delete(tag);
      this.heard.set(tag, next);
    }
    while (this.heard.size > this.maxTags) this.forgetOldest();
  }

  /** Counts a change outside the table that verdicts depend on. */
  touch(): void {
    this.changeCount++;
  }

  /** True when nothing was heard after `since`, of whatever tag. */
  isSilentSince(since: number): boolean {
    return this.newest <= since;
  }

  /** The worst verdict over `tags` for a value that rests on version `since`. */
  verdict(tags: readonly string[], since: number): Verdict {
    if (this.floorSeq > since) return 'deleted';
    if (this.isSilentSince(since)) return 'valid';
    let worst: Verdict = 'valid';
    for (const tag of tags) {
      const version = this.heard.get(tag);
      if (version === undefined) continue;
      const verdict = judge(version, since);
      if (verdict === 'deleted') return verdict;
      if (verdict === 'expired') worst = verdict;
    }
    return worst;
  }

  /** Forgets everything: used when a new epoch makes all versions unknown anyway. */
  reset(): void {
    this.changeCount++;
    this.heard.clear();
    this.floorSeq = 0;
    this.newest = 0;
  }

  private forgetOldest(): void {
    const [tag, version] = this.heard.entries().next().value!;
    this.heard.delete(tag);
    this.floorSeq = Math.max(this.floorSeq, version.deleted, version.expired);
  }
}
