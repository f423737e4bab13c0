import { AsyncResource } from 'node:async_hooks';
import { Injectable, Logger, type CallHandler, type OnModuleDestroy } from '@nestjs/common';

/** Answers that wait for one another at most. */
const MOST = 64;
/** So many turns in a row with one answer each are chance. */
const BY_CHANCE = 3;
/** After more of them, so many answers are written at once before it is tried again whether they are alone. */
const MOST_AT_ONCE = 15;

/** An answer, and the asynchronous context of its request: what it belongs to for traces and logs. */
class Waiting extends AsyncResource {
  constructor(readonly write: () => void) {
    super('StrataAnswer', { requireManualDestroy: true });
  }
}

/**
 * Keeps answers until the event loop has looked at all requests that had arrived, and writes them in one go. Whoever
 * receives the first is awake for the others: waking a receiver that sleeps between two writes is dearer than
 * anything else in a hit. (Netty's `FlushConsolidationHandler` does the same.) Where answers turn out to be alone in
 * their turns, fewer and fewer are kept: waiting would only make them later.
 */
@Injectable()
export class EndOfTurn implements OnModuleDestroy {
  private readonly logger = new Logger('EndOfTurn');
  private waiting: Waiting[] = [];
  /** Answers that are still to be written at once. */
  private atOnce = 0;
  /** Turns in a row that had one answer. */
  private alone = 0;

  /** What `write` throws is logged, and the others of its turn are written. */
  add(write: () => void): void {
    if (this.atOnce > 0) {
      this.atOnce--;
      return write();
    }
    const count = this.waiting.push(new Waiting(write));
    if (count === 1) setImmediate(() => this.end());
    else if (count >= MOST) this.flush();
  }

  private end(): void {
    const { length } = this.waiting;
    // They have had to leave earlier, which says nothing of how many there would have been.
    if (length === 0) return;
    this.alone = length > 1 ? 0 : this.alone + 1;
    this.atOnce = Math.min(2 ** Math.max(0, this.alone - BY_CHANCE) - 1, MOST_AT_ONCE);
    this.flush();
  }

  /** The same handler, which may take long: what waits is written before it runs. */
  before(handler: CallHandler): CallHandler {
    return {
      handle: () => {
        this.flush();
        return handler.handle();
      },
    };
  }

  /** Writes what waits now. */
  flush(): void {
    const { waiting } = this;
    if (waiting.length === 0) return;
    this.waiting = [];
    for (const one of waiting) {
      try {
        one.runInAsyncScope(one.write);
      } catch (error) {
        this.logger.error(error);
      } finally {
        // Here, not when it is collected: whoever keeps something for each context forgets it now.
        one.emitDestroy();
      }
    }
  }

  /** A server that closes leaves connections open whose answers are under way: from now on none of these is. */
  onModuleDestroy(): void {
    this.atOnce = Infinity;
    this.flush();
  }
}
