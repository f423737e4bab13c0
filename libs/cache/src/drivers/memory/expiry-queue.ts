import { deadAt, type Entry } from '../../core/entry';

interface Expiry {
  readonly at: number;
  readonly key: string;
}

/**
 * Binary heap of entries by the time they die. Overwritten and deleted entries stay until they surface
 * or until they outnumber the live ones, when the heap is rebuilt: O(log n) amortised, bounded at 2n. It
 * holds names and times only, never an entry: a replaced value must not be kept alive by it.
 */
export class ExpiryQueue {
  private heap: Expiry[] = [];

  /** `current` names the entry that a key has now, `liveCount` how many there are. */
  constructor(
    private readonly current: (key: string) => Entry | undefined,
    private readonly liveCount: () => number,
  ) {}

  push(at: number, key: string): void {
    this.heap.push({ at, key });
    this.up(this.heap.length - 1);
    if (this.heap.length > 64 && this.heap.length > 2 * this.liveCount()) this.rebuild();
  }

  /** Removes from the queue, and names, a key whose entry is dead at `now`. */
  popDead(now: number): { key: string; entry: Entry } | undefined {
    while (this.heap.length > 0 && this.heap[0]!.at <= now) {
      const { key } = this.pop();
      const entry = this.current(key);
      if (entry !== undefined && deadAt(entry) <= now) return { key, entry };
    }
    return undefined;
  }

  clear(): void {
    this.heap = [];
  }

  get length(): number {
    return this.heap.length;
  }

  private rebuild(): void {
    const kept = new Map<string, number>();
    for (const { key, at } of this.heap) {
      const entry = this.current(key);
      if (entry !== undefined && deadAt(entry) === at) kept.set(key, at);
    }
    this.heap = [...kept].map(([key, at]) => ({ key, at })).sort((a, b) => a.at - b.at);
  }

  private pop(): Expiry {
    const top = this.heap[0]!;
    const last = this.heap.pop()!;
    if (this.heap.length > 0) {
      this.heap[0] = last;
      this.down(0);
    }
    return top;
  }

  private up(index: number): void {
    for (let i = index; i > 0;) {
      const parent = (i - 1) >> 1;
      if (this.heap[parent]!.at <= this.heap[i]!.at) return;
      this.swap(i, parent);
      i = parent;
    }
  }

  private down(index: number): void {
    for (let i = index; ;) {
      const left = 2 * i + 1;
      let least = i;
      if (left < this.heap.length && this.heap[left]!.at < this.heap[least]!.at) least = left;
      if (left + 1 < this.heap.length && this.heap[left + 1]!.at < this.heap[least]!.at) least = left + 1;
      if (least === i) return;
      this.swap(i, least);
      i = least;
    }
  }

  private swap(a: number, b: number): void {
    [this.heap[a], this.heap[b]] = [this.heap[b]!, this.heap[a]!];
  }
}
