/** Absolute times of an entry, in wall milliseconds, so that a back-fill cannot lengthen its life. */
export interface Lifetime {
  readonly createdAt: number;
  readonly freshUntil: number;
  /** End of `staleWhileRevalidate`; equals `freshUntil` when there is none. */
  readonly revalidateUntil: number;
  /** End of `staleIfError`; equals `freshUntil` when there is none. */
  readonly errorUntil: number;
}

/** Age class of an entry. Says nothing about invalidation. */
export type Freshness = 'fresh' | 'revalidate' | 'error-only' | 'dead';

/** Classifies `life` at wall time `now` (RFC 5861 for the two stale windows). */
export function freshness(life: Lifetime, now: number): Freshness {
  if (now < life.freshUntil) return 'fresh';
  if (now < life.revalidateUntil) return 'revalidate';
  return now < life.errorUntil ? 'error-only' : 'dead';
}

/** The moment after which the entry is of no use to anybody. */
export function deadAt(life: Lifetime): number {
  return Math.max(life.freshUntil, life.revalidateUntil, life.errorUntil);
}
