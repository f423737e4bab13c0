import { delay, systemClock } from '../core/ports/clock';
import type { Strata } from '../core/strata';
import type { TieredCache } from '../core/tiered-cache';
import type { HotKeys } from '../core/warming/hot-keys';
import type { ResolvedWarmOptions } from '../core/warming/options';
import { Warmer } from '../core/warming/warmer';

/** Warming within the life of an application: after its caches have started, before it is ready, until it ends. */
export class Warming {
  readonly warmer: Warmer;

  constructor(
    strata: Strata,
    private readonly hotKeys: HotKeys,
    private readonly options: ResolvedWarmOptions,
  ) {
    this.warmer = new Warmer({
      caches: () => strata.all() as unknown as readonly TieredCache[],
      hotKeys,
      options,
      clock: systemClock,
      isWorthIt: () => strata.remote.available,
    });
  }

  /** Resolves when the caches are warm, or when `readyWithin` is over and the rest goes on behind. */
  async start(): Promise<void> {
    this.hotKeys.start();
    await Promise.race([this.warmer.run(), delay(systemClock, this.options.readyWithin)]);
  }

  async stop(): Promise<void> {
    this.warmer.close();
    await this.hotKeys.stop();
  }
}
