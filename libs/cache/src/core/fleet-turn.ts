import { delay, type Clock } from './ports/clock';
import type { Entry } from './entry';
import type { Flight } from './flights';
import type { Loading } from './loading';
import type { ReadResult } from './read-result';
import type { Reporter } from './reporter';
import type { LoadPermit } from './tiers/load-permit';
import type { RemoteTier } from './tiers/remote-tier';

/** Pause between looks at what another instance is loading, in milliseconds. */
const POLL_MS = 20;

interface Turn<T> {
  readonly key: string;
  readonly tags: readonly string[];
  readonly loading: Loading<T> | undefined;
}

/**
 * Asks for this instance's turn to load. Waits for at most one other loader of the fleet, and lands with
 * its value if it comes. The version is always that of the call that allowed the load: one obtained
 * before waiting would be outdated from the start. `undefined` when L2 is unavailable.
 *
 * @param refused what L2 has said already, to the look that found nothing
 */
export async function obtainPermit<T>(
  parts: { remote: RemoteTier<T>; clock: Clock; reporter: Reporter },
  flight: Flight<T>,
  turn: Turn<T>,
  land: (entry: Entry<T>) => ReadResult<T>,
  refused?: LoadPermit,
): Promise<LoadPermit | ReadResult<T> | undefined> {
  const { remote, clock, reporter } = parts;
  const ask = async (takeOver: boolean): Promise<LoadPermit | undefined> => {
    const permit = await remote.permit(turn.key, turn.tags, takeOver);
    if (permit === undefined || permit.granted) flight.basis = permit?.born;
    return permit;
  };
  let answer = refused ?? (await ask(false));
  if (answer === undefined || answer.granted) return answer;
  // A batch must not keep other keys' leases while this one waits for another instance.
  turn.loading?.stepAside();
  for (const giveUpAt = clock.monotonic() + remote.loadLease; clock.monotonic() < giveUpAt;) {
    const wasFilled: boolean = answer.filled ?? false;
    if (!wasFilled) await delay(clock, POLL_MS);
    const found = await remote.lookup(turn.key, turn.tags);
    if (found.kind === 'unavailable') return undefined;
    if (found.kind === 'fresh') {
      reporter.coalesced(turn.key, 'fleet');
      return { ...land(found.entry), collapsed: true };
    }
    // Filled, and yet not there: evicted at once, or refused. Nobody else is on it.
    answer = await ask(wasFilled);
    if (answer === undefined || answer.granted) return answer;
  }
  return ask(true);
}
