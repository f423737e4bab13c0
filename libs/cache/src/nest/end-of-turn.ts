import { Injectable } from '@nestjs/common';

/** Answers that wait for one another at most. */
const MOST = 64;

/**
 * Keeps answers until the event loop has looked at all requests that had arrived, and writes them in one go. Whoever
 * receives the first is awake for the others: waking a receiver that sleeps between two writes is dearer than
 * anything else in a hit. (Netty's `FlushConsolidationHandler` does the same.)
 */
@Injectable()
export class EndOfTurn {
  private waiting: (() => void)[] = [];

  /** `write` must not throw: the others of its turn wait behind it. */
  add(write: () => void): void {
    const count = this.waiting.push(write);
    if (count === 1) setImmediate(this.flush);
    else if (count >= MOST) this.flush();
  }

  /** To be called before anything that takes long in the same turn. */
  readonly flush = (): void => {
    const { waiting } = this;
    if (waiting.length === 0) return;
    this.waiting = [];
    for (const write of waiting) write();
  };
}
