/** Counters of L1. `hits + misses` is the number of look-ups. */
export interface LocalCounters {
  hits: number;
  /** Those of the hits that stood for "there is nothing". */
  negativeHits: number;
  misses: number;
  sets: number;
  deletes: number;
  evictions: number;
  expirations: number;
}

/** Counters of L2. */
export interface RemoteCounters {
  hits: number;
  misses: number;
  sets: number;
  deletes: number;
  errors: number;
  /** Bytes that compression has kept off the wire. */
  savedBytes: number;
}

/** Counters of one named cache since start. Clearing a cache resets none of them. */
export interface CacheCounters {
  readonly local: LocalCounters;
  readonly remote: RemoteCounters;
  readonly loads: { count: number; errors: number; coalesced: number; notModified: number; totalMs: number };
  readonly stale: { served: number };
  /** `reasons` says why; the names are those of the event `fill.rejected`. */
  readonly fills: { rejected: number; readonly reasons: Record<string, number> };
}

/** Fresh counters, all zero. */
export function newCounters(): CacheCounters {
  return {
    local: { hits: 0, negativeHits: 0, misses: 0, sets: 0, deletes: 0, evictions: 0, expirations: 0 },
    remote: { hits: 0, misses: 0, sets: 0, deletes: 0, errors: 0, savedBytes: 0 },
    loads: { count: 0, errors: 0, coalesced: 0, notModified: 0, totalMs: 0 },
    stale: { served: 0 },
    fills: { rejected: 0, reasons: {} },
  };
}

/** Fraction of look-ups that hit; 0 without any look-up. */
export function hitRate(counters: { hits: number; misses: number }): number {
  const lookups = counters.hits + counters.misses;
  return lookups === 0 ? 0 : counters.hits / lookups;
}
