import type { Clock } from './ports/clock';
import type { CoherenceState } from './coherence/coherence-state';
import type { Entry } from './entry';

/** Choices of a cache about stale values. */
export interface StalePolicy {
  /** How long L1 may serve after the last proof of coherence while L2 is away, in milliseconds. */
  readonly maxStaleMs: number;
  readonly isStaleAllowed: (error: unknown) => boolean;
}

/** When a value that is not fresh may be served all the same. */
export class StaleRules<T> {
  constructor(
    private readonly state: CoherenceState,
    private readonly clock: Clock,
    private readonly policy: StalePolicy,
  ) {}

  /** An L1 entry proves something only under a live lease and the subscription it was stored under. */
  provable(entry: Entry<T> | undefined): Entry<T> | undefined {
    if (entry === undefined || !this.state.leaseHeld) return undefined;
    return entry.generation === this.state.generation ? entry : undefined;
  }

  /** `softTimeout`: an entry that is old but not invalidated in any way. */
  whileWaiting(entry: Entry<T> | undefined, tags: readonly string[]): Entry<T> | undefined {
    if (entry === undefined || this.clock.now() >= entry.errorUntil) return undefined;
    return this.carries(entry, tags) && this.verdict(entry) === 'valid' ? entry : undefined;
  }

  /** `staleIfError`: what may be served to a reader with `tags` instead of `error`. */
  afterError(entry: Entry<T> | undefined, tags: readonly string[], error: unknown): Entry<T> | undefined {
    return this.allows(error) ? this.mayStandIn(entry, tags) : undefined;
  }

  /** What may stand in for a failed load: not deleted; what was expired on purpose included. */
  mayStandIn(entry: Entry<T> | undefined, tags: readonly string[]): Entry<T> | undefined {
    if (entry === undefined || this.clock.now() >= entry.errorUntil) return undefined;
    return this.carries(entry, tags) && this.verdict(entry) !== 'deleted' ? entry : undefined;
  }

  /** C3: without L2, an entry of the proven generation may serve for `maxStaleMs` after the last proof. */
  disconnected(entry: Entry<T> | undefined, tags: readonly string[]): Entry<T> | undefined {
    const { maxStaleMs } = this.policy;
    if (entry === undefined || maxStaleMs === 0 || !this.state.provenWithin(maxStaleMs)) return undefined;
    const allowed =
      entry.generation === this.state.generation &&
      this.clock.now() < entry.revalidateUntil &&
      this.carries(entry, tags) &&
      this.verdict(entry) === 'valid';
    return allowed ? entry : undefined;
  }

  /** A rule that throws allows nothing: the reader is to learn why the load has failed. */
  private allows(error: unknown): boolean {
    try {
      return this.policy.isStaleAllowed(error);
    } catch {
      return false;
    }
  }

  private carries(entry: Entry<T>, tags: readonly string[]): boolean {
    const carried = entry.tags;
    return tags.every((tag) => carried.includes(tag));
  }

  private verdict(entry: Entry<T>): 'valid' | 'expired' | 'deleted' {
    return this.state.verdictOf(entry);
  }
}
