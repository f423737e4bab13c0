import type { Clock, Timer } from '../ports/clock';
import type { HotKeyStore } from '../ports/hot-key-store';
import { HeavyHitters } from './heavy-hitters';
import type { ResolvedWarmOptions } from './options';

/** What this instance's caches are read for, told to the shared store from time to time and at the end. */
export class HotKeys {
  private readonly sketches = new Map<string, HeavyHitters>();
  private timer: Timer | undefined;

  constructor(
    private readonly store: HotKeyStore,
    private readonly options: ResolvedWarmOptions,
    private readonly clock: Clock,
  ) {}

  /** Called on every look-up of `cache`. */
  observer(cache: string): (key: string) => void {
    const sketch = new HeavyHitters(2 * this.options.keys);
    this.sketches.set(cache, sketch);
    return (key) => sketch.touch(key);
  }

  start(): void {
    this.timer = this.clock.after(this.options.saveEvery, () => void this.save().finally(() => this.start()));
  }

  /** Resolves when the last look-ups are told, or cannot be. */
  async stop(): Promise<void> {
    this.timer?.cancel();
    await this.save();
    this.timer?.cancel();
  }

  /** Never rejects: what could not be told is told with the next. */
  async save(): Promise<void> {
    const { keys: keep, halfLife: halfLifeMs } = this.options;
    for (const [cache, sketch] of this.sketches) {
      const hot = sketch.drain(keep);
      if (hot.length === 0) continue;
      await this.store.add(cache, hot, { keep, halfLifeMs }).catch(() => sketch.restore(hot));
    }
  }

  /** Hottest first; nothing when the store cannot be asked. */
  hottest(cache: string): Promise<readonly string[]> {
    return this.store.hottest(cache, this.options.keys).catch(() => []);
  }
}
