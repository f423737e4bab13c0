import { CacheError } from '../errors';
import { toMilliseconds, type Duration } from '../duration';

/** Options of warming. */
export interface WarmOptions {
  /** Most keys of one cache that are remembered, and brought back at start; `0` = off. @default 1000 */
  keys?: number;
  /** Longest time that a start waits for warming; it goes on behind. @default '2s' */
  readyWithin?: Duration;
  /** Longest time of one warming; what is left then stays cold. @default '30s' */
  timeLimit?: Duration;
  /** Reads from L2 at a time. @default 16 */
  readsAtOnce?: number;
  /** Loads at a time, of keys that L2 does not have either: the bound of what the database gets. @default 2 */
  loadsAtOnce?: number;
  /** How often what was read is told to the store of hot keys. @default '30s' */
  saveEvery?: Duration;
  /** After this time a look-up counts half. @default '1h' */
  halfLife?: Duration;
}

/** {@link WarmOptions} in milliseconds, with every default applied. */
export type ResolvedWarmOptions = Readonly<Record<keyof WarmOptions, number>>;

const DEFAULTS: ResolvedWarmOptions = {
  keys: 1_000,
  readyWithin: 2_000,
  timeLimit: 30_000,
  readsAtOnce: 16,
  loadsAtOnce: 2,
  saveEvery: 30_000,
  halfLife: 3_600_000,
};
const COUNTS: readonly string[] = ['keys', 'readsAtOnce', 'loadsAtOnce'];
const MAY_BE_ZERO: readonly string[] = ['keys', 'readyWithin', 'timeLimit'];
/** Longest delay of a timer of Node; one above it fires at once. */
const LONGEST_MS = 2 ** 31 - 1;
/** The sketch of a cache holds twice as many keys, of up to 512 characters. */
const MOST_KEYS = 10_000;

/** @throws CacheError `INVALID_OPTIONS` that lists every problem */
export function resolveWarmOptions(options: WarmOptions = {}): ResolvedWarmOptions {
  const problems: string[] = [];
  const resolved: Record<string, number> = { ...DEFAULTS };
  for (const [name, given] of Object.entries(options)) {
    if (given === undefined) continue;
    if (!Object.hasOwn(DEFAULTS, name))
      problems.push(`warm.${name} is not known; there are ${Object.keys(DEFAULTS).join(', ')}`);
    else resolved[name] = checked(name, given as Duration, problems);
  }
  if (problems.length > 0) throw new CacheError('INVALID_OPTIONS', problems.join('; '));
  return resolved as ResolvedWarmOptions;
}

function checked(name: string, given: Duration, problems: string[]): number {
  const isCount = COUNTS.includes(name);
  const value = isCount ? (Number.isInteger(given) ? (given as number) : NaN) : (toMilliseconds(given) ?? NaN);
  const least = MAY_BE_ZERO.includes(name) ? 0 : 1;
  const most = isCount ? MOST_KEYS : name === 'halfLife' ? Number.MAX_SAFE_INTEGER : LONGEST_MS;
  if (!(value >= least && value <= most)) {
    const what = isCount ? 'a whole number' : 'a duration';
    problems.push(`warm.${name}: ${JSON.stringify(given)} is not ${what} from ${least} to ${most}`);
  }
  return value;
}
