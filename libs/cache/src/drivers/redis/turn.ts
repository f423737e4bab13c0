interface Waiting<I, R> {
  readonly item: I;
  readonly resolve: (result: R | Promise<R>) => void;
  readonly reject: (error: unknown) => void;
}

/** What bounds one command. */
export interface TurnBounds<I> {
  readonly items: number;
  /** Bound instead of {@link items} for as long as fewer than two commands of that many would be under way. */
  readonly fewest?: number;
  /** Sum of {@link sizeOf}. */
  readonly size: number;
  readonly sizeOf: (item: I) => number;
}

/**
 * Gathers what is asked for in one turn of the event loop and sends it as one command: a busy instance pays for a
 * command, a promise and a look at `head` once for all readers of the turn. Nothing waits longer than for the code
 * that is running now. An item that fails by itself answers with an `Error`; a command that fails fails all.
 */
export class Turn<I, R> {
  private waiting: Waiting<I, R>[] = [];
  private size = 0;
  /** Items that wait or have been sent. */
  private underWay = 0;
  private scheduled = false;

  constructor(
    private readonly send: (items: readonly I[]) => Promise<readonly (R | Promise<R> | Error)[]>,
    private readonly bounds: TurnBounds<I>,
  ) {}

  ask(item: I): Promise<R> {
    return new Promise<R>((resolve, reject) => {
      const size = this.bounds.sizeOf(item);
      if (this.size + size > this.bounds.size || this.waiting.length >= this.mostItems) this.flush();
      this.underWay++;
      this.waiting.push({ item, resolve, reject });
      this.size += size;
      if (this.scheduled) return;
      this.scheduled = true;
      process.nextTick(() => {
        this.scheduled = false;
        this.flush();
      });
    });
  }

  /** Half of what is under way: the server is to work on one command while the answer to another is taken apart. */
  private get mostItems(): number {
    const { items, fewest = items } = this.bounds;
    return Math.min(items, Math.max(fewest, Math.ceil(this.underWay / 2)));
  }

  private flush(): void {
    const { waiting } = this;
    if (waiting.length === 0) return;
    this.waiting = [];
    this.size = 0;
    const failAll = (error: unknown): void => {
      this.underWay -= waiting.length;
      for (const { reject } of waiting) reject(error);
    };
    const settleAll = (results: readonly (R | Promise<R> | Error)[]): void => {
      this.underWay -= waiting.length;
      waiting.forEach(({ resolve, reject }, i) => {
        const result = results[i]!;
        if (result instanceof Error) reject(result);
        else resolve(result);
      });
    };
    this.send(waiting.map(({ item }) => item)).then(settleAll, failAll);
  }
}
