import type { Loader } from '../loader-context';
import { atMost, type Clock } from '../ports/clock';
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

/** What a {@link Warmer} works with. */
export interface WarmerParts {
  readonly caches: () => readonly TieredCache<unknown>[];
  readonly hotKeys: HotKeys;
  readonly options: ResolvedWarmOptions;
  readonly clock: Clock;
  /** False while L2 is away: what is loaded now would not be kept, and the database has enough to do. */
  readonly isWorthIt: () => boolean;
}

interface Run {
  readonly counts: Counts;
  /** Set when time is over: what is still under way counts no more. */
  isOver: boolean;
}

/** Share of the bytes of L1 that a warming fills. */
const FULL = 0.9;

/**
 * The places of L1 that one warming may fill. What was there before is colder or outdated and goes first, as in any
 * LRU; but one warmed entry more than there are places would push out the hottest, which was warmed first.
 */
class Room {
  private placed = 0;

  constructor(private readonly cache: TieredCache<unknown>) {}

  /** Whether one more fits beside so many that are promised a place. */
  isLeft(promised: number): boolean {
    const { size, bytes, bounds } = this.cache.localUsage;
    const wanted = this.placed + promised + 1;
    const average = size === 0 ? 0 : bytes / size;
    return wanted <= bounds.maxEntries && wanted * average <= FULL * bounds.maxBytes;
  }

  taken<R>(outcome: R): R {
    this.placed++;
    return outcome;
  }
}

/** Brings the hottest keys into L1: from L2 first, then by loads for what L2 does not have. */
export class Warmer {
  /** Sums over all warmings that have ended. */
  readonly totals = { already: 0, fromL2: 0, loaded: 0, passedOver: 0, failed: 0, left: 0 };
  private readonly warmers = new Map<string, KeyWarmer[]>();
  private counts: Counts = { ...IDLE };
  private running: Promise<WarmProgress> | undefined;
  private closed = false;

  constructor(private readonly parts: WarmerParts) {}

  /** Adds a way to load keys of `cache`; the first that knows a key is asked. */
  register<T>(cache: string, warmer: KeyWarmer<T>): void {
    this.warmers.set(cache, [...(this.warmers.get(cache) ?? []), warmer as KeyWarmer]);
  }

  get progress(): WarmProgress {
    return { ...this.counts };
  }

  /** Starts a warming, or joins the one under way. Ends within `timeLimit` and never rejects. */
  run(): Promise<WarmProgress> {
    this.running ??= this.warm().finally(() => (this.running = undefined));
    return this.running;
  }

  /** Begins nothing more; what is under way ends by itself. */
  close(): void {
    this.closed = true;
  }

  private async warm(): Promise<WarmProgress> {
    const { clock, options } = this.parts;
    const startedAt = clock.monotonic();
    const counts: Counts = { ...IDLE, state: 'running', startedAt: clock.now() };
    const run: Run = { counts, isOver: false };
    this.counts = counts;
    await atMost(clock, options.timeLimit, this.warmAll(run));
    run.isOver = true;
    counts.left = counts.known - counts.already - counts.fromL2 - counts.loaded - counts.passedOver - counts.failed;
    counts.tookMs = Math.round(clock.monotonic() - startedAt);
    counts.state = 'done';
    for (const name of Object.keys(this.totals) as (keyof Warmer['totals'])[]) this.totals[name] += counts[name];
    return this.progress;
  }

  private async warmAll(run: Run): Promise<void> {
    // What was read since the last save counts too.
    await this.parts.hotKeys.save();
    for (const cache of this.parts.caches()) {
      const keys = await this.parts.hotKeys.hottest(cache.name);
      if (run.isOver) return;
      run.counts.known += keys.length;
      await this.warmCache(cache, keys, run);
    }
  }

  private async warmCache(cache: TieredCache<unknown>, keys: readonly string[], run: Run): Promise<void> {
    const { readsAtOnce, loadsAtOnce } = this.parts.options;
    const lanes = Math.min(readsAtOnce, Math.max(1, Math.floor(cache.localUsage.bounds.maxEntries / 10)));
    const goOn = (): boolean => !run.isOver && !this.closed && this.parts.isWorthIt();
    const room = new Room(cache);
    const missing: { key: string; load: WarmLoad }[] = [];
    await forEachAtOnce(keys, lanes, goOn, (key) =>
      this.counted(run, async () => {
        if (cache.holds(key)) return 'already';
        // But for a place for each hotter key that is still to be loaded, and for what the other lanes are about to fill.
        if (!room.isLeft(missing.length + lanes - 1)) return undefined;
        const load = this.loadOf(cache.name, key);
        const found = await cache.preload(key, undefined, load?.options);
        if (found.source === 'L2') return room.taken('fromL2');
        if (load === undefined) return 'passedOver';
        missing.push({ key, load });
        return undefined;
      }),
    );
    // Reads end in any order: the hottest are loaded first all the same.
    const rank = new Map(keys.map((key, index) => [key, index]));
    missing.sort((a, b) => rank.get(a.key)! - rank.get(b.key)!);
    const loadLanes = Math.min(loadsAtOnce, lanes, missing.length);
    await forEachAtOnce(missing, loadLanes, goOn, ({ key, load }) =>
      this.counted(run, async () => {
        if (!room.isLeft(loadLanes - 1)) return undefined;
        const { stored, source } = await cache.preload(key, load.loader, load.options);
        return stored || source !== 'load' ? room.taken('loaded') : 'passedOver';
      }),
    );
  }

  /** Counts what became of one key. A key, a loader or a warmer that throws is one failure and stops nothing. */
  private async counted(run: Run, task: () => Promise<keyof Warmer['totals'] | undefined>): Promise<void> {
    const outcome = await task().catch(() => 'failed' as const);
    if (outcome !== undefined && !run.isOver) run.counts[outcome]++;
  }

  private loadOf(cache: string, key: string): WarmLoad | undefined {
    for (const warmer of this.warmers.get(cache) ?? []) {
      const load = warmer(key);
      if (load !== undefined) return load;
    }
    return undefined;
  }
}
