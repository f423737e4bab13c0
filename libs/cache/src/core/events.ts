/** Which tier an event speaks of. */
export type TierName = 'L1' | 'L2';

/** State of a circuit breaker in front of L2. */
export type BreakerState = 'closed' | 'half-open' | 'open';

/** What travels on the bus. */
export type BusMessageKind = 'invalidation' | 'acknowledgement' | 'echo';

interface EventPayloads {
  hit: { key: string; tier: TierName; negative: boolean };
  miss: { key: string; tier: TierName; reason: MissReason };
  set: { key: string; tier: TierName; bytes: number };
  delete: { key: string; tier: TierName };
  expire: { key: string };
  invalidate: { tags: readonly string[]; origin: 'local' | 'remote'; durationMs: number; deferred: boolean };
  clear: object;
  evict: { key: string; reason: 'size' | 'expired' };
  'load.success': { key: string; durationMs: number; notModified: boolean };
  'load.error': { key: string; durationMs: number };
  'load.coalesced': { key: string; scope: 'process' | 'fleet' };
  'stale.served': { key: string; reason: 'revalidate' | 'error' | 'timeout' | 'disconnected' };
  refresh: { key: string };
  'fill.rejected': { key: string; tier: TierName; reason: string };
  'tier.error': { tier: TierName; op: string; reason: string };
  'breaker.change': { state: BreakerState; reason: string };
  'bus.published': { kind: BusMessageKind };
  'bus.received': { kind: BusMessageKind };
  'bus.gap': object;
  'lease.held': object;
  'lease.lost': object;
}

/** Why a tier had nothing to serve. */
export type MissReason =
  'absent' | 'expired' | 'invalidated' | 'unknown-version' | 'lease' | 'generation' | 'unreadable' | 'unavailable';

/** Names of all events. */
export type CacheEventName = keyof EventPayloads;

/** One event: its name, the cache it concerns (`''` for the whole namespace) and the payload. Never the value. */
export type CacheEvent = {
  [N in CacheEventName]: { readonly name: N; readonly cache: string } & Readonly<EventPayloads[N]>;
}[CacheEventName];

/** Receives every event. May throw: a failing listener is dropped from that emission only. */
export type CacheEventListener = (event: CacheEvent) => void;

/**
 * Where events go. Payloads are built by the caller only when someone listens (`active`), so that
 * without a listener an event costs one length check.
 */
export class EventHub {
  private listeners: readonly CacheEventListener[] = [];

  get active(): boolean {
    return this.listeners.length > 0;
  }

  /** Adds a listener; the returned function removes it. */
  on(listener: CacheEventListener): () => void {
    this.listeners = [...this.listeners, listener];
    return () => {
      this.listeners = this.listeners.filter((other) => other !== listener);
    };
  }

  emit(event: CacheEvent): void {
    for (const listener of this.listeners) {
      try {
        listener(event);
      } catch {
        // A listener observes; its failure must not become the failure of a read.
      }
    }
  }
}
