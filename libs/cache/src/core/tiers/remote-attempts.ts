import { isCacheError } from '../errors';
import type { EventHub } from '../events';
import type { RemoteStore } from '../ports/remote-store';
import type { RemoteCounters } from '../stats';

/** Asks L2 on behalf of one cache: a failure is counted, told, and answered with `undefined`. */
export class RemoteAttempts {
  constructor(
    private readonly cache: string,
    private readonly store: RemoteStore,
    private readonly counters: RemoteCounters,
    private readonly events: EventHub,
  ) {}

  async attempt<R>(op: string, run: () => Promise<R>): Promise<R | undefined> {
    if (!this.store.available) return undefined;
    try {
      return await run();
    } catch (error) {
      if (!isCacheError(error, 'L2_UNAVAILABLE')) throw error;
      this.failed(op, error.message);
      return undefined;
    }
  }

  failed(op: string, reason: string): void {
    this.counters.errors++;
    if (this.events.wants('tier.error')) {
      this.events.emit({ name: 'tier.error', cache: this.cache, tier: 'L2', op, reason });
    }
  }
}
