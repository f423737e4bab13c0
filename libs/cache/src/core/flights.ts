import type { Entry } from './entry';
import type { Head } from './ports/remote-store';
import type { ReadResult } from './read-result';

/** What is known of a flight when it starts. */
export interface FlightStart {
  /** Order of its start among all reads and flights of the instance. */
  readonly order: number;
  readonly generation: number;
}

/** A load in progress that others may join. */
export interface Flight<T> extends FlightStart {
  /** Version the value will rest on, as soon as it is known. */
  basis: Head | undefined;
  /** A stale value that may stand in while this flight takes its time (`softTimeout`). */
  fallback: Entry<T> | undefined;
  promise: Promise<ReadResult<T>>;
}

/** Most slots. Loads beyond it go on without one: nobody joins them. */
const MAX_FLIGHTS = 100_000;

const ignored = (): undefined => undefined;

/** One owned slot per key. A slot is released only by the flight that holds it. */
export class Flights<T> {
  private readonly slots = new Map<string, Flight<T>>();

  constructor(private readonly maxFlights = MAX_FLIGHTS) {}

  get size(): number {
    return this.slots.size;
  }

  get(key: string): Flight<T> | undefined {
    return this.slots.get(key);
  }

  /**
   * Puts a flight into the slot of `key`, also over an older one: that one goes on for those who wait
   * for it, but nobody joins it any more.
   */
  launch(key: string, start: FlightStart, run: (flight: Flight<T>) => Promise<ReadResult<T>>): Flight<T> {
    const { order, generation } = start;
    const flight: Flight<T> = {
      order,
      generation,
      basis: undefined,
      fallback: undefined,
      promise: undefined as never,
    };
    if (this.slots.size < this.maxFlights || this.slots.has(key)) this.slots.set(key, flight);
    flight.promise = this.landed(key, flight, run);
    // Whoever waits gets the rejection; a refresh nobody waits for must not become unhandled.
    flight.promise.catch(ignored);
    return flight;
  }

  private async landed(
    key: string,
    flight: Flight<T>,
    run: (flight: Flight<T>) => Promise<ReadResult<T>>,
  ): Promise<ReadResult<T>> {
    try {
      return await run(flight);
    } finally {
      if (this.slots.get(key) === flight) this.slots.delete(key);
    }
  }

  /** Resolves when no flight is left. */
  async settled(): Promise<void> {
    while (this.slots.size > 0) {
      await Promise.allSettled([...this.slots.values()].map((flight) => flight.promise));
    }
  }
}
