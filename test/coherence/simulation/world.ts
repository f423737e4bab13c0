import type { Random } from './random';

/** A process of the simulated world: what belongs to it waits while it is frozen and is gone when it is dead. */
export interface Host {
  frozen: boolean;
  dead: boolean;
  /** Events that came due while it was frozen, oldest first. */
  readonly parked: Event[];
}

interface Event {
  at: number;
  readonly order: number;
  readonly host: Host | undefined;
  /** What it came by, if it is a message: those of one lane keep their order. */
  readonly lane: object | undefined;
  run: (() => void) | undefined;
}

/** Something that will happen; `cancel` is idempotent. */
export interface Planned {
  cancel(): void;
}

/** Virtual time, and everything that will happen in it. One event at a time, promises settle in between. */
export class World {
  now = 0;
  steps = 0;
  private readonly queue: Event[] = [];
  private orders = 0;

  constructor(readonly random: Random) {}

  /** Messages keep their order when they had to wait for a frozen host; timers may overtake them. */
  after(delay: number, run: () => void, host?: Host, lane?: object): Planned {
    const event: Event = { at: this.now + delay, order: this.orders++, host, lane, run };
    push(this.queue, event);
    return { cancel: () => void (event.run = undefined) };
  }

  async step(): Promise<boolean> {
    const event = pop(this.queue);
    if (event === undefined) return false;
    this.now = Math.max(this.now, event.at);
    if (!this.happen(event)) return true;
    // What one read of a socket brings is handled in one turn of the loop: no promise settles in between.
    for (let next = this.queue[0]; this.isOfTheSameRead(event, next); next = this.queue[0]) {
      this.happen(pop(this.queue)!);
    }
    await new Promise((resolve) => setImmediate(resolve));
    return true;
  }

  private isOfTheSameRead({ lane, host }: Event, next: Event | undefined): boolean {
    return lane !== undefined && next?.lane === lane && next.at <= this.now && host?.frozen !== true;
  }

  private happen(event: Event): boolean {
    if (event.run === undefined || event.host?.dead === true) return false;
    if (event.host?.frozen === true) {
      event.host.parked.push(event);
      return false;
    }
    this.steps++;
    event.run();
    return true;
  }

  /** Lets a frozen host go on: messages in their order, timers anywhere between them. */
  thaw(host: Host): void {
    host.frozen = false;
    const parked = host.parked.splice(0);
    const messages = parked.filter(({ lane }) => lane !== undefined);
    for (const timer of parked.filter(({ lane }) => lane === undefined)) {
      messages.splice(this.random.below(messages.length + 1), 0, timer);
    }
    for (const event of messages) {
      // Reads `run` when it is due: a timer that is cancelled after the thaw must stay silent.
      push(this.queue, { ...event, at: this.now, order: this.orders++, run: () => event.run?.() });
    }
  }
}

const before = (a: Event, b: Event): boolean => a.at < b.at || (a.at === b.at && a.order < b.order);

function push(heap: Event[], event: Event): void {
  let i = heap.push(event) - 1;
  for (let parent = (i - 1) >> 1; i > 0 && before(event, heap[parent]!); parent = (i - 1) >> 1) {
    heap[i] = heap[parent]!;
    i = parent;
  }
  heap[i] = event;
}

function pop(heap: Event[]): Event | undefined {
  const top = heap[0];
  const last = heap.pop();
  if (top === undefined || last === undefined || heap.length === 0) return top;
  let i = 0;
  for (let child = 1; child < heap.length; child = 2 * i + 1) {
    if (child + 1 < heap.length && before(heap[child + 1]!, heap[child]!)) child++;
    if (!before(heap[child]!, last)) break;
    heap[i] = heap[child]!;
    i = child;
  }
  heap[i] = last;
  return top;
}
