import type { Clock } from './ports/clock';
import type { CoherenceState } from './coherence/coherence-state';
import { Entry } from './entry';
import { deadAt } from './lifetime';
import type { LoadedValue } from './sealing';
import type { Reporter } from './reporter';
import type { LocalTier } from './tiers/local-tier';
import type { LoadPermit } from './tiers/load-permit';
import type { RemoteTier } from './tiers/remote-tier';

/** What {@link Fills.store} did; `remote` settles when L2 has answered. */
export interface StoreOutcome<T> {
  readonly entry: Entry<T>;
  readonly remote: Promise<boolean>;
}

const NOT_STORED = Promise.resolve(false);

/** Puts values into the tiers, under the conditions that keep an outdated one from being served. */
export class Fills<T> {
  private readonly background = new Set<Promise<unknown>>();

  constructor(
    private readonly local: LocalTier<T>,
    private readonly remote: RemoteTier<T>,
    private readonly state: CoherenceState,
    private readonly reporter: Reporter,
    private readonly clock: Clock,
  ) {}

  /** Work under way that nobody waits for. */
  get pending(): number {
    return this.background.size;
  }

  async settled(): Promise<void> {
    await Promise.allSettled(this.background);
  }

  /** Stores a loaded value in both tiers; the L2 part is not waited for unless the caller does. */
  store(key: string, loaded: LoadedValue<T>, permit: LoadPermit | undefined, generation: number): StoreOutcome<T> {
    const { born, tags } = loaded.entry;
    const place = { cache: this.local.cache, key };
    const entry = new Entry<T>(loaded.entry, tags, { proven: born.seq, generation }, place);
    const now = this.clock.now();
    entry.keepLocally(now, loaded.localTtl);
    this.fillLocal(key, entry, generation, now);
    const remote = this.fillRemote(key, loaded, permit);
    this.track(remote);
    return { entry, remote };
  }

  /**
   * Puts an entry into L1 if nothing that was heard since speaks against it.
   *
   * @param now wall time that the caller has just read
   * @param worst `expired`: also what may only stand in for an error
   */
  fillLocal(key: string, entry: Entry<T>, generation: number, now: number, worst: 'valid' | 'expired' = 'valid'): void {
    const reason = this.rejection(entry, generation, worst) ?? (now >= deadAt(entry) ? 'expired' : undefined);
    if (reason === undefined) this.local.put(key, entry, now);
    else this.reporter.rejected(key, 'L1', reason);
  }

  /** Tells of a value that a bound keeps out of L2, or out of both tiers. */
  reportRefusal(key: string, { refusal }: LoadedValue<T>): void {
    if (refusal !== undefined) this.reporter.rejected(key, refusal === 'values' ? 'L2' : 'L1', refusal);
  }

  /** Gives a granted load lease back without a value. */
  release(key: string, permit: LoadPermit | undefined): void {
    if (permit?.granted) this.track(this.remote.release(key, permit.token));
  }

  /** Keeps count of work that goes on after the answer. */
  track(work: Promise<unknown>): void {
    const done = (): void => void this.background.delete(tracked);
    const tracked = work.then(done, done);
    this.background.add(tracked);
  }

  private fillRemote(
    key: string,
    { entry, payload, remoteTtl }: LoadedValue<T>,
    permit: LoadPermit | undefined,
  ): Promise<boolean> {
    if (permit === undefined) return NOT_STORED;
    if (this.state.hasUndelivered(entry.tags)) {
      this.release(key, permit);
      return NOT_STORED;
    }
    try {
      // Also what L1 refused goes there: its version makes it invalid, and the load lease must end.
      return this.remote.put(key, entry, payload, { permit, remoteTtl });
    } catch (error) {
      // The value is the reader's all the same.
      return Promise.reject(error);
    }
  }

  private rejection(entry: Entry<T>, generation: number, worst: 'valid' | 'expired'): string | undefined {
    if (generation !== this.state.generation) return 'generation';
    if (entry.born.epoch === '') return 'no-version';
    if (entry.born.epoch !== this.state.epoch) return 'epoch';
    const verdict = this.state.verdictOf(entry);
    return verdict === 'valid' || verdict === worst ? undefined : 'invalidated';
  }
}
