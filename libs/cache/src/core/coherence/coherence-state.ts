import type { Entry } from '../entry';
import type { Clock } from '../ports/clock';
import type { Head, InvalidationMode } from '../ports/remote-store';
import { TagTable, worseOf, type Verdict } from './tag-table';
import { EVERYTHING } from './tags';

/** How writers and readers agree; see `docs/concepts/consistency.md`. */
export type CoherenceMode = 'acknowledged' | 'broadcast' | 'off';

/** Ended epochs remembered; an answer cannot be older than the connection it came over. */
const MAX_ENDED_EPOCHS = 1_000;

/**
 * What one instance knows about the fleet: epoch, generation of its subscription, lease, and the
 * invalidations it has heard. Every question "may this be served?" is answered here, without waiting.
 */
export class CoherenceState {
  /** Epoch of the last answer or message; versions of another one are unknown. */
  epoch: string | undefined;
  /** Changes of {@link epoch} but the first. */
  epochChanges = 0;
  /** Raised when a subscription is confirmed, before its first message, and when an epoch proves to go on. */
  generation = 0;
  /** Who may hold a lease, as the last answer told; this instance included. */
  members = 1;
  readonly table: TagTable;
  /** Told of each change of {@link epoch} but the first: the lease has ended. */
  onEpochChange: () => void = () => undefined;
  private readonly undelivered = new Set<string>();
  private readonly ended = new Set<string>();
  private leaseUntilMonotonic = -Infinity;
  private leaseUntilWall = -Infinity;
  private provenAtMonotonic = -Infinity;
  private provenAtWall = -Infinity;
  /** Whatever was invalidated after this `seq` of {@link epoch} comes over the present subscription. */
  private heardFrom = Infinity;
  /** Asked by every hit. */
  private readonly isOff: boolean;

  constructor(
    private readonly clock: Clock,
    readonly mode: CoherenceMode,
    maxTags: number,
  ) {
    this.table = new TagTable(maxTags);
    this.isOff = mode === 'off';
  }

  /** {@link leaseHeldAt} this moment. */
  get leaseHeld(): boolean {
    return this.leaseHeldAt(this.clock.now());
  }

  /**
   * True while L1 may be served, at the wall time that the caller has just read. Both clocks must agree: the
   * monotonic one stops while a machine is suspended, the wall clock can be set back.
   */
  leaseHeldAt(wall: number): boolean {
    if (this.isOff) return true;
    return this.clock.monotonic() < this.leaseUntilMonotonic && wall < this.leaseUntilWall;
  }

  /** Grants the lease from the moment the proving echo was *sent*, not from its arrival. */
  grantLease(sentMonotonic: number, sentWall: number, lengthMs: number): void {
    this.provenAtMonotonic = sentMonotonic;
    this.provenAtWall = sentWall;
    this.leaseUntilMonotonic = sentMonotonic + lengthMs;
    this.leaseUntilWall = sentWall + lengthMs;
  }

  /** A beat that was sent under the present subscription has been carried out when the counter stood at `seq`. */
  hearsFrom(seq: number): void {
    this.heardFrom = Math.min(this.heardFrom, seq);
  }

  /**
   * True while this instance knows of every invalidation that has ended since `born`: it has heard them all from then
   * on, and holds the lease without which a writer would not have waited for it. The table says then of something born
   * at `born` what the versions in L2 would say.
   */
  hasHeardAllSince(born: Head): boolean {
    return (
      this.mode === 'acknowledged' &&
      born.epoch === this.epoch &&
      born.seq >= this.heardFrom &&
      born.seq >= this.table.floor &&
      this.leaseHeld
    );
  }

  /** Whether {@link hasHeardAllSince} can be true of anything while the lease is held. */
  get isHearing(): boolean {
    return this.mode === 'acknowledged' && this.heardFrom !== Infinity;
  }

  endLease(): void {
    this.leaseUntilMonotonic = -Infinity;
    this.leaseUntilWall = -Infinity;
  }

  /** True while the last proof of coherence is at most `ms` old: the bound for a life without L2 (C3). */
  provenWithin(ms: number): boolean {
    return (
      this.clock.monotonic() - this.provenAtMonotonic <= ms && Math.abs(this.clock.now() - this.provenAtWall) <= ms
    );
  }

  /**
   * Learns the epoch of an answer or message; false when it is one that has ended. Epochs never return:
   * a late answer of an old one must not wipe what was heard in the new one. A change makes everything
   * held so far unknown, and ends the lease: what came late may be of an epoch that was over before it was ever
   * heard of. Only a beat sent from now on can tell.
   */
  learnEpoch(epoch: string): boolean {
    if (this.epoch === epoch) return true;
    if (this.ended.has(epoch)) return false;
    this.changeEpoch(epoch);
    return true;
  }

  /**
   * A beat that was sent under {@link epoch} has been answered under another one. That one is the newer of the
   * two, also where it was taken for ended. What was not heard in it meanwhile makes everything unproven.
   */
  correctEpoch(epoch: string): void {
    if (!this.ended.delete(epoch)) return void this.learnEpoch(epoch);
    this.changeEpoch(epoch);
    this.generation++;
  }

  private changeEpoch(epoch: string): void {
    const isFirst = this.epoch === undefined;
    if (this.epoch !== undefined) this.retire(this.epoch);
    this.epoch = epoch;
    this.table.reset();
    this.heardFrom = Infinity;
    if (isFirst) return;
    this.epochChanges++;
    this.endLease();
    this.onEpochChange();
  }

  /** A new subscription is confirmed: what was heard before proves nothing about the gap. */
  newGeneration(): void {
    this.generation++;
    this.endLease();
    this.heardFrom = Infinity;
  }

  /** Records an invalidation of this or another instance. */
  hear(head: Head, tags: readonly string[], mode: InvalidationMode): void {
    if (this.learnEpoch(head.epoch)) this.table.hear(tags, head.seq, mode);
  }

  /** The worst known verdict over `tags` for something that rests on `since`. */
  verdict(tags: readonly string[], since: Head): Verdict {
    if (since.epoch !== this.epoch) return 'deleted';
    return this.undelivered.size > 0 && this.hasUndelivered(tags) ? 'deleted' : this.table.verdict(tags, since.seq);
  }

  /** {@link verdict} of an entry, whose tags are made only where something was heard since it was last checked. */
  verdictOf(entry: Entry): Verdict {
    if (entry.born.epoch !== this.epoch) return 'deleted';
    const least = entry.isExpired ? 'expired' : 'valid';
    if (this.undelivered.size === 0 && this.table.isSilentSince(entry.proven)) return least;
    return worseOf(least, this.verdict(entry.tags, entry.basis));
  }

  /** Tags of an invalidation that could not reach L2 yet count as newer than anything here (C5). */
  markUndelivered(tags: readonly string[]): void {
    for (const tag of tags) this.undelivered.add(tag);
    this.table.touch();
  }

  markDelivered(tags: readonly string[]): void {
    for (const tag of tags) this.undelivered.delete(tag);
    this.table.touch();
  }

  hasUndelivered(tags: readonly string[]): boolean {
    if (this.undelivered.size === 0) return false;
    return this.undelivered.has(EVERYTHING) || tags.some((tag) => this.undelivered.has(tag));
  }

  private retire(epoch: string): void {
    this.ended.add(epoch);
    if (this.ended.size > MAX_ENDED_EPOCHS) this.ended.delete(this.ended.values().next().value!);
  }
}
