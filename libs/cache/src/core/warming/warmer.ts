import type { Loader } from '../loading';
import type { Clock } from '../ports/clock';
import type { ReadOptions } from '../read-options';
import type { TieredCache } from '../tiered-cache';
import { forEachAtOnce } from './for-each-at-once';
import type { HotKeys } from './hot-keys';
import type { ResolvedWarmOptions } from './options';

/** How to load a key that nobody asks for at the moment. */
export interface WarmLoad<T = unknown> {
  readonly loader: Loader<T>;
  readonly options?: ReadOptions;
}

/** Knows the keys of one kind: how to load such a key; `undefined` for keys of other kinds. */
export type KeyWarmer<T = unknown> = (key: string) => WarmLoad<T> | undefined;

/** Where a warming is; counts are keys. */
export interface WarmProgress {
  readonly state: 'idle' | 'running' | 'done';
  /** Wall time in milliseconds since the Unix epoch; `undefined` before the first. */
  readonly startedAt: number | undefined;
  readonly tookMs: number;
  /** Hot keys that were found. */
  readonly known: number;
  /** L1 had them already. */
  readonly already: number;
  readonly fromL2: number;
  readonly loaded: number;
  /** Neither tier has them and nobody has said how to load them, or there is nothing to load any more. */
  readonly passedOver: number;
  readonly failed: number;
  /** Not reached within the time limit. */
  readonly left: number;
}

type Counts = { -readonly [K in keyof WarmProgress]: WarmProgress[K] };

const IDLE: WarmProgress = {
  state: 'idle',
  startedAt: undefined,
  tookMs: 0,
  known: 0,
  already: 0,
  fromL2: 0,
  loaded: 0,
  passedOver: 0,
  failed: 0,
  left: 0,
};

/** Brings the hottest keys into L1: from L2 first, then by loads for what L2 does not have. */
export class Warmer {
  private readonly warmers = new Map<string, KeyWarmer[]>();
  private counts: Counts = { ...IDLE };
  private running: Promise<WarmProgress> | undefined;
  private closed = false;

  constructor(
    private readonly caches: () => readonly TieredCache<unknown>[],
    private readonly hotKeys: HotKeys,
    private readonly options: ResolvedWarmOptions,
    private readonly clock: Clock,
  ) {}

  /** Adds a way to load keys of `cache`; the first that knows a key is asked. */
  register<T>(cache: string, warmer: KeyWarmer<T>): void {
    this.warmers.set(cache, [...(this.warmers.get(cache) ?? []), warmer as KeyWarmer]);
  }

  /** Sums over all warmings that have ended. */
  readonly totals = { already: 0, fromL2: 0, loaded: 0, passedOver: 0, failed: 0, left: 0 };

  get progress(): WarmProgress {
    return { ...this.counts };
  }

  /** Starts a warming, or joins the one under way. Never rejects. */
  run(): Promise<WarmProgress> {
    this.running ??= this.warm().finally(() => (this.running = undefined));
    return this.running;
  }

  /** Begins nothing more; what is under way ends by itself. */
  close(): void {
    this.closed = true;
  }

  private async warm(): Promise<WarmProgress> {
    const startedAt = this.clock.monotonic();
    const counts: Counts = { ...IDLE, state: 'running', startedAt: this.clock.now() };
    this.counts = counts;
    const goOn = (): boolean => !this.closed && this.clock.monotonic() - startedAt < this.options.timeLimit;
    // What was read since the last save counts too.
    await this.hotKeys.save();
    for (const cache of this.caches()) {
      const keys = await this.hotKeys.hottest(cache.name);
      counts.known += keys.length;
      await this.warmCache(cache, keys, counts, goOn);
    }
    counts.left = counts.known - counts.already - counts.fromL2 - counts.loaded - counts.passedOver - counts.failed;
    counts.tookMs = Math.round(this.clock.monotonic() - startedAt);
    counts.state = 'done';
    for (const name of Object.keys(this.totals) as (keyof Warmer['totals'])[]) this.totals[name] += counts[name];
    return this.progress;
  }

  private async warmCache(
    cache: TieredCache<unknown>,
    keys: readonly string[],
    counts: Counts,
    goOn: () => boolean,
  ): Promise<void> {
    const { readsAtOnce, loadsAtOnce } = this.options;
    const missing: { key: string; load: WarmLoad }[] = [];
    await forEachAtOnce(keys, readsAtOnce, goOn, async (key) => {
      if (cache.holds(key)) return void counts.already++;
      const found = await cache.preload(key).catch(() => undefined);
      if (found?.source === 'L2') return void counts.fromL2++;
      const load = this.loadOf(cache.name, key);
      if (load === undefined) counts.passedOver++;
      else missing.push({ key, load });
    });
    // Reads end in any order: the hottest are loaded first all the same.
    const rank = new Map(keys.map((key, index) => [key, index]));
    missing.sort((a, b) => rank.get(a.key)! - rank.get(b.key)!);
    await forEachAtOnce(missing, loadsAtOnce, goOn, async ({ key, load }) => {
      try {
        const { stored, source } = await cache.preload(key, load.loader, load.options);
        if (stored || source !== 'load') counts.loaded++;
        else counts.passedOver++;
      } catch {
        counts.failed++;
      }
    });
  }

  private loadOf(cache: string, key: string): WarmLoad | undefined {
    for (const warmer of this.warmers.get(cache) ?? []) {
      const load = warmer(key);
      if (load !== undefined) return load;
    }
    return undefined;
  }
}
