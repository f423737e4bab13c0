import type { Clock, Timer } from '../ports/clock';
import type { HotKeyStore } from '../ports/hot-key-store';
import { HeavyHitters } from './heavy-hitters';
import type { ResolvedWarmOptions } from './options';

/** Most keys that the store is told at once: a step of it holds a server for a millisecond or two. */
const AT_ONCE = 500;

/** What this instance's caches are read for, told to the shared store from time to time and at the end. */
export class HotKeys {
  private readonly sketches = new Map<string, HeavyHitters>();
  private timer: Timer | undefined;
  private saving: Promise<void> | undefined;
  private stopped = false;

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
    if (this.stopped) return;
    this.timer = this.clock.after(this.options.saveEvery, () => void this.save().finally(() => this.start()));
  }

  /** Resolves when the last look-ups are told, or cannot be. */
  async stop(): Promise<void> {
    this.stopped = true;
    this.timer?.cancel();
    // One that is under way has taken what there was; what has come since needs another.
    await this.saving;
    await this.save();
  }

  /** Never rejects: what could not be told is told with the next. Joins a save that is under way. */
  save(): Promise<void> {
    this.saving ??= this.saveAll().finally(() => (this.saving = undefined));
    return this.saving;
  }

  private async saveAll(): Promise<void> {
    const { keys: keep, halfLife: halfLifeMs } = this.options;
    for (const [cache, sketch] of this.sketches) {
      const hot = sketch.drain(keep);
      for (let from = 0; from < hot.length; from += AT_ONCE) {
        const some = hot.slice(from, from + AT_ONCE);
        await this.store.add(cache, some, { keep, halfLifeMs }).catch(() => sketch.restore(some));
      }
    }
  }

  /** Hottest first; nothing when the store cannot be asked. */
  hottest(cache: string): Promise<readonly string[]> {
    return this.store.hottest(cache, this.options.keys).catch(() => []);
  }
}
