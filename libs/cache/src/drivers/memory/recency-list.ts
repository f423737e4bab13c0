import type { Entry } from '../../core/entry';

/**
 * Entries from the one used last to the one that was not used for the longest time. The links are in the entries
 * themselves: a list beside them would cost as many bytes again, and a hit reads its entry anyway.
 */
export class RecencyList {
  private newest: Entry | undefined;
  private oldest: Entry | undefined;

  get leastRecent(): Entry | undefined {
    return this.oldest;
  }

  /** Adds what is in no list. */
  add(entry: Entry): void {
    const { newest } = this;
    entry.newer = undefined;
    entry.older = newest;
    if (newest === undefined) this.oldest = entry;
    else newest.newer = entry;
    this.newest = entry;
  }

  /** Makes it the most recent one. */
  touch(entry: Entry): void {
    if (entry === this.newest) return;
    this.remove(entry);
    this.add(entry);
  }

  remove(entry: Entry): void {
    const { older, newer } = entry;
    if (older === undefined) this.oldest = newer;
    else older.newer = newer;
    if (newer === undefined) this.newest = older;
    else newer.older = older;
    // Whoever still holds the entry must not hold its neighbours.
    entry.older = undefined;
    entry.newer = undefined;
  }

  clear(): void {
    for (let entry = this.oldest; entry !== undefined;) {
      const { newer } = entry;
      entry.older = undefined;
      entry.newer = undefined;
      entry = newer;
    }
    this.newest = undefined;
    this.oldest = undefined;
  }
}
