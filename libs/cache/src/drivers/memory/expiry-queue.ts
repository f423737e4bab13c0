import type { Entry } from '../../core/entry';
import { deadAt } from '../../core/lifetime';

/**
 * Binary heap of entries by the time they die. Overwritten and deleted entries stay until they surface
 * or until they outnumber the live ones, when the heap is rebuilt: O(log n) amortised, bounded at 2n. It
 * holds names and times only, never an entry: a replaced value must not be kept alive by it. Two lists, not one of
 * pairs: a time in a list of numbers needs no object and no box.
 */
export class ExpiryQueue {
  private times: number[] = [];
  private keys: string[] = [];

  /** `current` names the entry that a key has now, `liveCount` how many there are. */
  constructor(
    private readonly current: (key: string) => Entry | undefined,
    private readonly liveCount: () => number,
  ) {}

  push(at: number, key: string): void {
    this.times.push(at);
    this.keys.push(key);
    this.up(this.length - 1);
    if (this.length > 64 && this.length > 2 * this.liveCount()) this.rebuild();
  }

  /** Removes from the queue, and names, a key whose entry is dead at `now`. */
  popDead(now: number): { key: string; entry: Entry } | undefined {
    while (this.length > 0 && this.times[0]! <= now) {
      const key = this.pop();
      const entry = this.current(key);
      if (entry !== undefined && deadAt(entry) <= now) return { key, entry };
    }
    return undefined;
  }

  clear(): void {
    this.times = [];
    this.keys = [];
  }

  get length(): number {
    return this.keys.length;
  }

  private rebuild(): void {
    const { keys, times } = this;
    const kept = new Set<string>();
    for (let i = 0; i < keys.length; i++) {
      const [at, key] = [times[i]!, keys[i]!];
      const entry = this.current(key);
      if (entry === undefined || deadAt(entry) !== at || kept.has(key)) continue;
      this.place(kept.size, at, key);
      kept.add(key);
    }
    keys.length = times.length = kept.size;
    for (let i = (kept.size >> 1) - 1; i >= 0; i--) this.down(i, times[i]!, keys[i]!);
  }

  private pop(): string {
    const top = this.keys[0]!;
    const [at, key] = [this.times.pop()!, this.keys.pop()!];
    if (this.length > 0) this.down(0, at, key);
    return top;
  }

  private up(from: number): void {
    const [at, key] = [this.times[from]!, this.keys[from]!];
    let index = from;
    while (index > 0) {
      const parent = (index - 1) >> 1;
      if (this.times[parent]! <= at) break;
      this.move(parent, index);
      index = parent;
    }
    this.place(index, at, key);
  }

  /** Puts the pair where it belongs, from this place on. */
  private down(from: number, at: number, key: string): void {
    const { length } = this;
    let index = from;
    for (let child = 2 * index + 1; child < length; child = 2 * index + 1) {
      if (child + 1 < length && this.times[child + 1]! < this.times[child]!) child++;
      if (at <= this.times[child]!) break;
      this.move(child, index);
      index = child;
    }
    this.place(index, at, key);
  }

  private move(from: number, to: number): void {
    this.place(to, this.times[from]!, this.keys[from]!);
  }

  private place(index: number, at: number, key: string): void {
    this.times[index] = at;
    this.keys[index] = key;
  }
}
