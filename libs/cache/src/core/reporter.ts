import type { CacheEvent, EventHub, MissReason, TierName } from './events';
import type { CacheCounters } from './stats';

/** Counts and reports what one cache does, so that the algorithm next door reads as an algorithm. */
export class Reporter {
  constructor(
    private readonly cache: string,
    private readonly counters: CacheCounters,
    private readonly events: EventHub,
  ) {}

  stale(key: string, reason: 'revalidate' | 'error' | 'timeout' | 'disconnected'): void {
    this.counters.stale.served++;
    if (this.events.wants('stale.served')) this.emit({ name: 'stale.served', cache: this.cache, key, reason });
  }

  refresh(key: string): void {
    if (this.events.wants('refresh')) this.emit({ name: 'refresh', cache: this.cache, key });
  }

  coalesced(key: string, scope: 'process' | 'fleet'): void {
    this.counters.loads.coalesced++;
    if (this.events.wants('load.coalesced')) this.emit({ name: 'load.coalesced', cache: this.cache, key, scope });
  }

  /** Runs a load inside the tracer, if there is one. */
  aroundLoad<R>(run: () => Promise<R>): Promise<R> {
    return this.events.around('cache.load', this.cache, undefined, run);
  }

  loaded(key: string, durationMs: number, notModified: boolean): void {
    this.counters.loads.count++;
    if (notModified) this.counters.loads.notModified++;
    this.counters.loads.totalMs += durationMs;
    if (this.events.wants('load.success'))
      this.emit({ name: 'load.success', cache: this.cache, key, durationMs, notModified });
  }

  loadFailed(key: string, durationMs: number): void {
    this.counters.loads.count++;
    this.counters.loads.errors++;
    this.counters.loads.totalMs += durationMs;
    if (this.events.wants('load.error')) this.emit({ name: 'load.error', cache: this.cache, key, durationMs });
  }

  rejected(key: string, tier: TierName, reason: string): void {
    const { fills } = this.counters;
    fills.rejected++;
    fills.reasons[reason] = (fills.reasons[reason] ?? 0) + 1;
    if (this.events.wants('fill.rejected')) this.emit({ name: 'fill.rejected', cache: this.cache, key, tier, reason });
  }

  private emit(event: CacheEvent): void {
    this.events.emit(event);
  }
}

/** Why a read went on to load: what L2 said where it said more than "absent". */
export function missReason(local: MissReason, remote: MissReason): MissReason {
  return remote === 'absent' ? local : remote;
}
