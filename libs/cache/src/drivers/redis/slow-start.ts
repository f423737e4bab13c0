const FIRST_ALLOWANCE = 8;
const DOUBLES_EVERY_MS = 100;

/**
 * After an outage, a server that has just come back gets its load back step by step: at first 8 operations
 * under way, twice as many every 100 ms. A hundred instances that return at once would knock it over again.
 */
export class SlowStart {
  private since: number | undefined;

  constructor(private readonly fullAllowance: number) {}

  /** The server answers again, at monotonic time `now`. */
  begin(now: number): void {
    this.since = now;
  }

  /** Most commands in flight at monotonic time `now`. */
  allowance(now: number): number {
    if (this.since === undefined) return this.fullAllowance;
    const allowed = FIRST_ALLOWANCE * 2 ** Math.floor((now - this.since) / DOUBLES_EVERY_MS);
    if (allowed < this.fullAllowance) return allowed;
    this.since = undefined;
    return this.fullAllowance;
  }
}
