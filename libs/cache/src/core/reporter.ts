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
    if (this.events.active) this.emit({ name: 'stale.served', cache: this.cache, key, reason });
  }

  refresh(key: string): void {
    if (this.events.active) this.emit({ name: 'refresh', cache: this.cache, key });
  }

  coalesced(key: string, scope: 'process' | 'fleet'): void {
    this.counters.loads.coalesced++;
    if (this.events.active) this.emit({ name: 'load.coalesced', cache: this.cache, key, scope });
  }

  loaded(key: string, durationMs: number, notModified: boolean): void {
    this.counters.loads.count++;
    if (notModified) this.counters.loads.notModified++;
    this.counters.loads.totalMs += durationMs;
    if (this.events.active) this.emit({ name: 'load.success', cache: this.cache, key, durationMs, notModified });
  }

  loadFailed(key: string, durationMs: number): void {
    this.counters.loads.count++;
    this.counters.loads.errors++;
    this.counters.loads.totalMs += durationMs;
    if (this.events.active) this.emit({ name: 'load.error', cache: this.cache, key, durationMs });
  }

  rejected(key: string, tier: TierName, reason: string): void {
    this.counters.fills.rejected++;
    if (this.events.active) this.emit({ name: 'fill.rejected', cache: this.cache, key, tier, reason });
  }

  private emit(event: CacheEvent): void {
    this.events.emit(event);
  }
}

/** Why a read went on to load: what L2 said where it said more than "absent". */
export function missReason(local: MissReason, remote: MissReason): MissReason {
  return remote === 'absent' ? local : remote;
}
