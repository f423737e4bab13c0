import { AsyncResource } from 'node:async_hooks';
import { Injectable, Logger, type CallHandler, type OnModuleDestroy } from '@nestjs/common';

/** Answers that wait for one another at most. */
const MOST = 64;

/** An answer, and the asynchronous context of its request: what it belongs to for traces and logs. */
class Waiting extends AsyncResource {
  constructor(readonly write: () => void) {
    super('StrataAnswer', { requireManualDestroy: true });
  }
}

/**
 * Keeps answers until the event loop has looked at all requests that had arrived, and writes them in one go. Whoever
 * receives the first is awake for the others: waking a receiver that sleeps between two writes is dearer than
 * anything else in a hit. (Netty's `FlushConsolidationHandler` does the same.)
 */
@Injectable()
export class EndOfTurn implements OnModuleDestroy {
  private readonly logger = new Logger('EndOfTurn');
  private waiting: Waiting[] = [];
  private isOver = false;

  /** What `write` throws is logged, and the others of its turn are written. */
  add(write: () => void): void {
    if (this.isOver) return write();
    const count = this.waiting.push(new Waiting(write));
    if (count === 1) setImmediate(this.flush);
    else if (count >= MOST) this.flush();
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
  readonly flush = (): void => {
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
  };

  /** A server that closes leaves connections open whose answers are under way: from now on none of these is. */
  onModuleDestroy(): void {
    this.isOver = true;
    this.flush();
  }
}
