import type { Flight } from './flights';
import type { Timer } from './ports/clock';
import type { Departure, ReadThroughParts } from './read-request';
import { tierHit, type ReadResult } from './read-result';

/** `softTimeout`: a reader that has a stale value does not wait longer for the flight than `limit` milliseconds. */
export async function landingWithin<T>(
  limit: number,
  { clock, stale, reporter }: ReadThroughParts<T>,
  flight: Flight<T>,
  departure: Departure<T>,
): Promise<ReadResult<T>> {
  let timer: Timer | undefined;
  const tooLong = new Promise<undefined>((resolve) => (timer = clock.after(limit, () => resolve(undefined))));
  const landed = await Promise.race([flight.promise, tooLong]).finally(() => timer?.cancel());
  if (landed !== undefined) return landed;
  const usable = stale.whileWaiting(flight.fallback, departure.tags);
  if (usable === undefined) return flight.promise;
  reporter.stale(departure.key, 'timeout');
  return tierHit(usable, 'L1', 'timeout');
}
