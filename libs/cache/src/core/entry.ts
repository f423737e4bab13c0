import type { Head } from './ports/remote-store';

/** Absolute times of an entry, in wall milliseconds, so that a back-fill cannot lengthen its life. */
export interface Lifetime {
  readonly createdAt: number;
  readonly freshUntil: number;
  /** End of `staleWhileRevalidate`; equals `freshUntil` when there is none. */
  readonly revalidateUntil: number;
  /** End of `staleIfError`; equals `freshUntil` when there is none. */
  readonly errorUntil: number;
}

/** A value in a tier, with everything that decides whether it may be served. */
export interface Entry<T = unknown> extends Lifetime {
  readonly value: T;
  /** Version at which the load of this value was allowed to start. */
  readonly born: Head;
  /** Every tag the value depends on, those of its key, its cache and the namespace included. */
  readonly tags: readonly string[];
  /** A cached "nothing". */
  readonly negative: boolean;
  /** Bytes of the stored form, before compression. */
  readonly bytes: number;
  /** What the loader's source calls this state of the value (an ETag, a revision); `''` = nothing. */
  readonly validator: string;
  /** L1 only: `seq` of the last check of this entry in L2. */
  proven: number;
  /** L1 only: generation of the subscription under which it was stored. */
  generation: number;
  /** L1 only: change counter of the tag table at the last check that found nothing newer. */
  checkedAt: number;
  /** L1 only: wall time after which L2 is asked again although the entry is fresh (`localTtl`). */
  localUntil: number;
  /** L1 only: no refresh before this wall time, after one has failed. */
  retryAfter: number;
  /** L1 only: refreshes that have failed in a row. */
  failures: number;
}

/** What an entry is told when it enters this instance. */
export interface LocalFacts {
  readonly proven: number;
  readonly generation: number;
  readonly localUntil: number;
}

/** The part of an entry that no other instance knows, as it starts. */
export function localFacts(facts: LocalFacts): Omit<Entry, keyof DecodedEntry<unknown>> {
  return { ...facts, checkedAt: -1, retryAfter: 0, failures: 0 };
}

/** An entry as it travels: without the bookkeeping of L1. */
export type DecodedEntry<T> = Omit<Entry<T>, keyof LocalFacts | 'checkedAt' | 'retryAfter' | 'failures'>;

const FIRST_PAUSE_MS = 1_000;
const LONGEST_PAUSE_MS = 16_000;

/** Back-off after a failed refresh: 1 s, doubled by each further failure, at most 16 s. */
export function postponeRefresh(entry: Entry, now: number): void {
  // One failure may be reported by the refresh and by the load inside it: it counts once.
  if (now < entry.retryAfter) return;
  entry.retryAfter = now + Math.min(FIRST_PAUSE_MS * 2 ** entry.failures, LONGEST_PAUSE_MS);
  entry.failures++;
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

/** Durations, all in milliseconds, from which {@link lifetime} computes absolute times. */
export interface LifetimeSpec {
  readonly ttl: number;
  readonly staleWhileRevalidate: number;
  readonly staleIfError: number;
}

/** Absolute times of a value loaded at `now`; both stale windows start where freshness ends. */
export function lifetime(now: number, spec: LifetimeSpec): Lifetime {
  const freshUntil = now + spec.ttl;
  return {
    createdAt: now,
    freshUntil,
    revalidateUntil: freshUntil + spec.staleWhileRevalidate,
    errorUntil: freshUntil + spec.staleIfError,
  };
}
