import type { Clock } from './ports/clock';
import type { CoherenceState } from './coherence/coherence-state';
import type { Entry } from './entry';
import type { MissReason } from './events';
import type { Fills } from './fills';
import type { Loading } from './loading';
import type { Reporter } from './reporter';
import type { StaleRules } from './stale-rules';
import type { RemoteTier } from './tiers/remote-tier';

/** One read: the key, the protocol tags the reader declares, and how to load what is missing. */
export interface ReadRequest<T> {
  readonly key: string;
  readonly tags: readonly string[];
  /** Longest time L1 may serve a copy from L2 before it asks again, in milliseconds. */
  readonly localTtl: number;
  /** Absent for a plain `get`: the read then ends where a load would begin. */
  readonly loading: Loading<T> | undefined;
}

/** Parts a {@link ReadThrough} is made of. */
export interface ReadThroughParts<T> {
  readonly remote: RemoteTier<T>;
  readonly fills: Fills<T>;
  readonly stale: StaleRules<T>;
  readonly state: CoherenceState;
  readonly reporter: Reporter;
  readonly clock: Clock;
}

/** What a flight starts from. */
export interface Departure<T> extends ReadRequest<T> {
  readonly reason: MissReason;
  readonly fallback: Entry<T> | undefined;
  readonly refreshing: boolean;
}

/** Written out: on the way of every miss, a copy by `...` would be most of the cost. */
export function departing<T>(
  { key, tags, localTtl, loading }: ReadRequest<T>,
  reason: MissReason,
  fallback: Entry<T> | undefined,
  refreshing = false,
): Departure<T> {
  return { key, tags, localTtl, loading, reason, fallback, refreshing };
}
