import type { BreakerState } from '../../core/events';
import { CacheError } from '../../core/errors';
import type { Clock } from '../../core/ports/clock';
import type { KeyValueStore } from './key-value-store';

/** Bounds of {@link GuardedStore}. */
export interface GuardOptions {
  /** Longest wait for one operation, in milliseconds. @default 500 */
  readonly timeoutMs?: number;
  /** Pause after a failure before the store is tried again, in milliseconds. @default 1000 */
  readonly pauseMs?: number;
}

/** A deadline and a breaker in front of a store that has neither. One failure opens it. */
export class GuardedStore {
  private readonly timeoutMs: number;
  private readonly pauseMs: number;
  private state: BreakerState = 'closed';
  private closedUntil = -Infinity;
  private readonly listeners: ((state: BreakerState, reason: string) => void)[] = [];

  constructor(
    private readonly store: KeyValueStore,
    options: GuardOptions,
    private readonly clock: Clock,
  ) {
    this.timeoutMs = options.timeoutMs ?? 500;
    this.pauseMs = options.pauseMs ?? 1_000;
  }

  get available(): boolean {
    return this.clock.monotonic() >= this.closedUntil;
  }

  onBreakerChange(listener: (state: BreakerState, reason: string) => void): void {
    this.listeners.push(listener);
  }

  /** The text under `key`; anything that is not a text counts as nothing. */
  async get(key: string): Promise<string | undefined> {
    const value = await this.attempt(() => this.store.get(key));
    return typeof value === 'string' ? value : undefined;
  }

  async set(key: string, text: string, ttlMs: number): Promise<void> {
    await this.attempt(async () => {
      // Keyv reports a failed write like this, and only like this.
      if ((await this.store.set(key, text, ttlMs)) === false) throw new Error('the store refused a write');
    });
  }

  private async attempt<R>(operation: () => Promise<R>): Promise<R> {
    if (!this.available) throw new CacheError('L2_UNAVAILABLE', 'the store failed a moment ago');
    try {
      const result = await this.inTime(operation());
      // One of several that were under way together may have failed meanwhile.
      if (this.available) this.change('closed', 'it answers');
      return result;
    } catch (error) {
      this.closedUntil = this.clock.monotonic() + this.pauseMs;
      this.change('open', 'an operation failed');
      throw new CacheError('L2_UNAVAILABLE', 'the store could not be reached', { cause: error });
    }
  }

  private inTime<R>(operation: Promise<R>): Promise<R> {
    return new Promise<R>((resolve, reject) => {
      const late = new Error(`no answer within ${this.timeoutMs} ms`);
      const timer = this.clock.after(this.timeoutMs, () => reject(late));
      operation.then(resolve, reject).finally(() => timer.cancel());
    });
  }

  private change(state: BreakerState, reason: string): void {
    if (this.state === state) return;
    this.state = state;
    for (const listener of this.listeners) listener(state, reason);
  }
}
