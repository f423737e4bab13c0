import { isCacheError } from '../errors';
import type { EventHub } from '../events';
import type { Clock } from '../ports/clock';
import type { RemoteStore } from '../ports/remote-store';
import type { RemoteCounters } from '../stats';

/** What is not asked for. */
export const NOTHING = Promise.resolve(undefined);

/** Asks L2 on behalf of one cache: a failure is counted, told, and answered with `undefined`. */
export class RemoteAttempts {
  constructor(
    private readonly cache: string,
    private readonly store: RemoteStore,
    private readonly counters: RemoteCounters,
    private readonly events: EventHub,
    private readonly clock: Clock,
  ) {}

  attempt<R>(op: string, run: () => Promise<R>): Promise<R | undefined> {
    if (!this.store.available) return NOTHING;
    const startedAt = this.events.wants('tier.operation') ? this.clock.monotonic() : undefined;
    const asked = this.events
      .around('cache.l2', this.cache, op, run)
      .catch((error: unknown) => this.excused(op, error));
    if (startedAt === undefined) return asked;
    return asked.finally(() => this.ended(op, this.clock.monotonic() - startedAt));
  }

  /** What `use` makes of {@link attempt}, in one step: on the way of every read a promise counts. */
  attemptFor<R, A>(op: string, run: () => Promise<R>, use: (answer: R | undefined) => A | Promise<A>): Promise<A> {
    if (!this.store.available || this.events.wants('tier.operation')) return this.attempt(op, run).then(use);
    return this.events
      .around('cache.l2', this.cache, op, run)
      .then(use, (error: unknown) => use(this.excused(op, error)));
  }

  private excused(op: string, error: unknown): undefined {
    if (!isCacheError(error, 'L2_UNAVAILABLE')) throw error;
    this.failed(op, error.message);
    return undefined;
  }

  private ended(op: string, durationMs: number): void {
    this.events.emit({ name: 'tier.operation', cache: this.cache, tier: 'L2', op, durationMs });
  }

  failed(op: string, reason: string): void {
    this.counters.errors++;
    if (this.events.wants('tier.error')) {
      this.events.emit({ name: 'tier.error', cache: this.cache, tier: 'L2', op, reason });
    }
  }
}
