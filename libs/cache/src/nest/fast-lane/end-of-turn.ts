/** Answers that wait for one another at most. */
const MOST = 64;

/**
 * Keeps what is to be written until the event loop has looked at all requests that had arrived, and writes it in one
 * go. Whoever receives the first answer is awake for the others: waking a receiver that sleeps between two writes is
 * dearer than anything else in a hit. (Netty's `FlushConsolidationHandler` does the same.)
 */
export class EndOfTurn<T> {
  private waiting: T[] = [];

  /** `write` must not throw: the others of its turn wait behind it. */
  constructor(private readonly write: (one: T) => void) {}

  add(one: T): void {
    const count = this.waiting.push(one);
    if (count === 1) setImmediate(this.flush);
    else if (count >= MOST) this.flush();
  }

  /** To be called before anything that takes long in the same turn. */
  readonly flush = (): void => {
    const { waiting } = this;
    if (waiting.length === 0) return;
    this.waiting = [];
    for (const one of waiting) this.write(one);
  };
}
