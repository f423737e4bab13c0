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
  'tier.operation': { tier: TierName; op: string; durationMs: number };
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
export type CacheEventListener = (event: CacheEvent) => unknown;

/** What can be observed from around, for traces: an operation with a beginning and an end. */
export interface CacheOperation {
  readonly name: 'cache.load' | 'cache.l2' | 'cache.invalidate';
  /** `''` for the whole namespace. */
  readonly cache: string;
  /** What L2 is asked for, or how an invalidation treats what it hits. */
  readonly op?: string;
}

/** Calls `run` with something around it, such as a span; at once, for what is called later has begun without it. */
export type CacheTracer = <R>(operation: CacheOperation, run: () => Promise<R>) => Promise<R>;

/**
 * Where events go. Payloads are built by the caller only when someone listens (`wants`), so that without a
 * listener an event costs a look at a boolean and an empty set.
 */
export class EventHub {
  /** `wants('hit')` as a field: it is asked on every hit. */
  wantsHits = false;
  /** Absent: operations run as they are. */
  tracer: CacheTracer | undefined;
  private listeners: readonly { readonly listener: CacheEventListener; readonly names: Names | undefined }[] = [];
  private anyName = false;
  private named: Names = new Set();

  /** Runs an operation, inside the tracer if there is one. Whatever the tracer does, the operation's own outcome counts. */
  around<R>(name: CacheOperation['name'], cache: string, op: string | undefined, run: () => Promise<R>): Promise<R> {
    const { tracer } = this;
    if (tracer === undefined) return run();
    let begun: Promise<R> | undefined;
    const once = (): Promise<R> => (begun ??= (async () => run())());
    try {
      tracer({ name, cache, ...(op === undefined ? {} : { op }) }, once).catch(() => undefined);
    } catch {
      // It observes; its failure must not become the failure of a read.
    }
    return once();
  }

  /** True when somebody listens to events of that name. */
  wants(name: CacheEventName): boolean {
    return this.anyName || (this.named.size > 0 && this.named.has(name));
  }

  /**
   * Adds a listener for the events of `names`, or for all; the returned function removes it. One that names rare
   * events costs a hit nothing.
   */
  on(listener: CacheEventListener, names?: readonly CacheEventName[]): () => void {
    const entry = { listener, names: names === undefined ? undefined : new Set(names) };
    this.keep([...this.listeners, entry]);
    return () => this.keep(this.listeners.filter((other) => other !== entry));
  }

  emit(event: CacheEvent): void {
    for (const { listener, names } of this.listeners) {
      if (names !== undefined && !names.has(event.name)) continue;
      // A listener observes: its failure, late ones too, must not become the failure of a read, or of the process.
      try {
        const late = listener(event);
        if (late instanceof Promise) late.catch(() => undefined);
      } catch {
        // See above.
      }
    }
  }

  private keep(listeners: EventHub['listeners']): void {
    this.listeners = listeners;
    this.anyName = listeners.some(({ names }) => names === undefined);
    this.named = new Set(listeners.flatMap(({ names }) => [...(names ?? [])]));
    this.wantsHits = this.wants('hit');
  }
}

type Names = ReadonlySet<CacheEventName>;
