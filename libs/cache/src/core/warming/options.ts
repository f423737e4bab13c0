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
const AT_LEAST_ONE: readonly (keyof WarmOptions)[] = ['readsAtOnce', 'loadsAtOnce', 'saveEvery', 'halfLife'];

/** @throws CacheError `INVALID_OPTIONS` that lists every problem */
export function resolveWarmOptions(options: WarmOptions = {}): ResolvedWarmOptions {
  const problems: string[] = [];
  const resolved: Record<keyof WarmOptions, number> = { ...DEFAULTS };
  for (const name of Object.keys(DEFAULTS) as (keyof WarmOptions)[]) {
    const given = options[name];
    if (given === undefined) continue;
    const value = typeof given === 'number' ? given : toMilliseconds(given);
    const least = AT_LEAST_ONE.includes(name) ? 1 : 0;
    if (value === undefined || !(value >= least && value < Infinity)) {
      problems.push(`warm.${name}: ${JSON.stringify(given)} is not a number or duration from ${least}`);
    } else resolved[name] = value;
  }
  if (problems.length > 0) throw new CacheError('INVALID_OPTIONS', problems.join('; '));
  return resolved;
}
