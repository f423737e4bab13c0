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
   * for it, but nobody joins it any more. The caller sees to it that somebody waits for its promise: it may be rejected.
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
    const leave = (): void => {
      if (this.slots.get(key) === flight) this.slots.delete(key);
    };
    // Not `async`: on the way of every miss each such function costs as much as a look into L1.
    flight.promise = begun(run, flight).then(
      (result) => (leave(), result),
      (error: unknown) => {
        leave();
        throw error;
      },
    );
    return flight;
  }

  /** Resolves when no flight is left. */
  async settled(): Promise<void> {
    while (this.slots.size > 0) {
      await Promise.allSettled([...this.slots.values()].map((flight) => flight.promise));
    }
  }
}

function begun<T>(run: (flight: Flight<T>) => Promise<ReadResult<T>>, flight: Flight<T>): Promise<ReadResult<T>> {
  try {
    return run(flight);
  } catch (error) {
    return Promise.reject(error);
  }
}
