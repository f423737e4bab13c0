import type { Clock, Timer } from '@strata/cache/core';
import type { Host, World } from './world';

const EPOCH = 1_700_000_000_000;

/** The clocks of one host: they drift, the wall clock can be set, the monotonic one stops while suspended. */
export class SimClock implements Clock {
  private wallStep = 0;
  private stoppedFor = 0;

  /** @param rate how fast this host's clocks go, 1 = true time */
  constructor(
    private readonly world: World,
    private readonly host: Host,
    private readonly rate: number,
  ) {}

  now(): number {
    return EPOCH + this.world.now * this.rate + this.wallStep;
  }

  monotonic(): number {
    return (this.world.now - this.stoppedFor) * this.rate;
  }

  after(ms: number, task: () => void): Timer {
    return this.world.after(ms / this.rate, task, this.host);
  }

  setWall(by: number): void {
    this.wallStep += by;
  }

  /** The machine slept: only the wall clock went on. */
  suspendedFor(ms: number): void {
    this.stoppedFor += ms;
  }
}
