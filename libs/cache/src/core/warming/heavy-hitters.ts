import type { HotKey } from '../ports/hot-key-store';

/** Longer keys are not worth their place in a sketch. */
const LONGEST_KEY = 512;
/** So many samples are taken before each of them stands for twice as many look-ups. */
const SAMPLES_PER_STEP = 1_024;

/**
 * The most frequent keys of a stream in bounded memory and bounded work.
 *
 * Frequent-items sketch with purges by the median (Anderson et al., "A High-Performance Algorithm for Identifying
 * Frequent Items in Data Streams", IMC 2017): of what it is fed it misses no key that takes more than a 2/`capacity`
 * share. It is fed samples: every look-up at first, then every second, fourth, … on average, each counted for as many
 * as it stands for, so that a look-up in a busy cache costs a decrement and n look-ups cost O(log n) samples; a key
 * that is read often is then missed with a small probability only.
 */
export class HeavyHitters {
  private counts = new Map<string, number>();
  private untilNext = 1;
  private weight = 1;
  private samples = 0;

  /** @param capacity most keys that are held; twice as many as are asked for keeps the tail honest */
  constructor(
    private readonly capacity: number,
    private readonly random: () => number = Math.random,
  ) {}

  get size(): number {
    return this.counts.size;
  }

  /** Counts a look-up. */
  touch(key: string): void {
    if (--this.untilNext > 0) return;
    this.sample(key);
  }

  /** The hottest first, at most `count`; begins anew. */
  drain(count: number): HotKey[] {
    const hot = [...this.counts].sort(([, a], [, b]) => b - a).slice(0, count);
    this.counts = new Map();
    this.weight = this.untilNext = 1;
    this.samples = 0;
    return hot.map(([key, heat]) => ({ key, heat }));
  }

  /** Adds what was drained and could not be delivered. */
  restore(hot: readonly HotKey[]): void {
    for (const { key, heat } of hot) this.add(key, heat);
  }

  private sample(key: string): void {
    if (key.length <= LONGEST_KEY) this.add(key, this.weight);
    if (++this.samples % SAMPLES_PER_STEP === 0) this.weight *= 2;
    // A random distance: a fixed one would see the same few keys of a caller that goes round in circles.
    this.untilNext = 1 + Math.floor(this.random() * (2 * this.weight - 1));
  }

  private add(key: string, heat: number): void {
    this.counts.set(key, (this.counts.get(key) ?? 0) + heat);
    if (this.counts.size > this.capacity) this.purge();
  }

  /** Takes the median from every count and drops what is left with nothing: about half, so it is rare. */
  private purge(): void {
    const sorted = Float64Array.from(this.counts.values()).sort();
    const median = sorted[sorted.length >> 1]!;
    for (const [key, heat] of this.counts) {
      if (heat <= median) this.counts.delete(key);
      else this.counts.set(key, heat - median);
    }
  }
}
