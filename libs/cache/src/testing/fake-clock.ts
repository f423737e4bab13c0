import type { Clock, Timer } from '../core/ports/clock';

interface Pending {
  readonly at: number;
  readonly task: () => void;
}

/** A clock that moves only when told to. */
export class FakeClock implements Clock {
  private elapsed = 0;
  private readonly pending = new Set<Pending>();

  /** @param epoch wall time at the start, in milliseconds */
  constructor(private readonly epoch = 1_700_000_000_000) {}

  now(): number {
    return this.epoch + this.elapsed;
  }

  monotonic(): number {
    return this.elapsed;
  }

  after(ms: number, task: () => void): Timer {
    const pending = { at: this.elapsed + ms, task };
    this.pending.add(pending);
    return { cancel: () => void this.pending.delete(pending) };
  }

  /** Timers that wait; zero when everything that was started has ended. */
  get timers(): number {
    return this.pending.size;
  }

  /** Moves time forward and runs what falls due, in order; promises settle in between. */
  async advance(ms: number): Promise<void> {
    const end = this.elapsed + ms;
    for (let next = this.due(end); next !== undefined; next = this.due(end)) {
      this.pending.delete(next);
      this.elapsed = Math.max(this.elapsed, next.at);
      next.task();
      await settle();
    }
    this.elapsed = end;
    await settle();
  }

  private due(end: number): Pending | undefined {
    return [...this.pending].filter((pending) => pending.at <= end).sort((a, b) => a.at - b.at)[0];
  }
}

/** Lets promise callbacks run until none is left. */
export async function settle(): Promise<void> {
  for (let i = 0; i < 3; i++) await new Promise((resolve) => setImmediate(resolve));
}
