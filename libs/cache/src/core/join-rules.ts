import type { CoherenceState } from './coherence/coherence-state';
import type { Flight } from './flights';
import { tagsOf, type ReadResult } from './read-result';
import type { StaleRules } from './stale-rules';

/** When a reader may share a load that somebody else has started. */
export class JoinRules<T> {
  constructor(
    private readonly state: CoherenceState,
    private readonly stale: StaleRules<T>,
  ) {}

  /** An earlier flight may be joined only while every invalidation is sure to be heard. */
  mayJoin(flight: Flight<T>): boolean {
    return this.state.leaseHeld && flight.generation === this.state.generation;
  }

  /** True when a declared tag was invalidated after the flight got its version: nobody joins it any more. */
  isOutdated(flight: Flight<T>, tags: readonly string[]): boolean {
    return flight.basis !== undefined && this.state.verdict(tags, flight.basis) !== 'valid';
  }

  /**
   * Landing check of those who joined. A load that began after the read is new enough whatever its tags
   * are. Anything else must carry the reader's tags, or it was never checked for them, and none of its
   * tags may have been invalidated meanwhile: it may carry some that the reader did not know.
   */
  suits(result: ReadResult<T>, flight: Flight<T>, tags: readonly string[], startedAfter: boolean): boolean {
    if (startedAfter && result.source === 'load') return true;
    if (!startedAfter && !this.mayJoin(flight)) return false;
    // The load has failed, for everybody: what stands in for it need only be allowed to.
    if (result.stale === 'error') return this.stale.mayStandIn(result.entry, tags) !== undefined;
    const { basis } = result;
    const dependsOn = tagsOf(result);
    if (basis === undefined || !tags.every((tag) => dependsOn.includes(tag))) return false;
    return this.state.verdict(dependsOn, basis) === 'valid';
  }
}
