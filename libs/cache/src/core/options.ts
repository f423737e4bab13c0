import { CacheError } from './errors';
import { toMilliseconds, type Duration } from './duration';
import type { Serializer } from './ports/serializer';
import { jsonSerializer } from './json-serializer';

/** Options of one entry; a call overrides the cache, the cache overrides the defaults. */
export interface EntryOptions {
  /** Freshness. `0` = do not store, in any tier. @default '5m' */
  ttl?: Duration;
  /** Longest time L1 serves its copy before it asks L2 again; `0` = not in L1. @default no limit but the ttl */
  localTtl?: Duration;
  /** Longest time L2 keeps the entry; `0` = not in L2. @default no limit but the ttl */
  remoteTtl?: Duration;
  /** The stored ttl is drawn from ttl·(1 ± ttlJitter). Fraction below 1. @default 0 */
  ttlJitter?: number;
  /** Time after ttl in which stale is served at once while one load refreshes (RFC 5861). @default 0 */
  staleWhileRevalidate?: Duration;
  /** Time after ttl in which stale is served when the load fails (RFC 5861). @default 0 */
  staleIfError?: Duration;
  /** Freshness of negative entries (`null`, or what `isNegative` says). @default '30s' */
  negativeTtl?: Duration;
  /** Only if a stale value exists: serve it when the load takes longer; the load goes on. `0` = wait. @default 0 */
  softTimeout?: Duration;
  /** Always: rejects with `LOAD_TIMEOUT` when the load takes longer; `0` = no limit. @default 0 */
  hardTimeout?: Duration;
}

/** Options of one named cache. */
export interface CacheOptions<T = unknown> extends EntryOptions {
  /** Bound of L1 by number of entries. @default 100000 */
  maxEntries?: number;
  /** Bound of L1 by bytes, on and off the heap. @default 64 MiB */
  maxBytes?: number;
  /** Values larger than this are returned but not stored. @default 512 KiB */
  maxEntryBytes?: number;
  /**
   * Most names and elements of a value in L2; more are kept in L1 alone. Their number, not that of the bytes,
   * decides how long decoding holds the event loop. @default 12000
   */
  maxEntryValues?: number;
  /** Payloads of at least so many bytes are compressed in L2. @default 1024 */
  compressionThreshold?: number;
  /** Fraction of the ttl after which a read refreshes in the background; `0` = never. @default 0 */
  refreshAhead?: number;
  /**
   * How long the fleet waits for one loader of a key before another instance loads it too, because that one may
   * have died. @default '5s'
   */
  loadLease?: Duration;
  /** Turns values into bytes. @default JSON, frozen */
  serializer?: Serializer<T>;
  /** What counts as a cached "nothing". @default `value === null` */
  isNegative?: (value: T) => boolean;
  /** Whether a failed load may be answered with a stale value (`staleIfError`). @default every error */
  isStaleAllowed?: (error: unknown) => boolean;
}

/** {@link EntryOptions} in milliseconds. */
export interface ResolvedEntryOptions {
  readonly ttl: number;
  readonly localTtl: number;
  readonly remoteTtl: number;
  readonly ttlJitter: number;
  readonly staleWhileRevalidate: number;
  readonly staleIfError: number;
  readonly negativeTtl: number;
  readonly softTimeout: number;
  readonly hardTimeout: number;
}

/** {@link CacheOptions} with every default applied; frozen. */
export interface ResolvedCacheOptions<T = unknown> extends ResolvedEntryOptions {
  readonly maxEntries: number;
  readonly maxBytes: number;
  readonly maxEntryBytes: number;
  readonly maxEntryValues: number;
  readonly compressionThreshold: number;
  readonly refreshAhead: number;
  readonly loadLease: number;
  readonly serializer: Serializer<T>;
  readonly isNegative: (value: T) => boolean;
  readonly isStaleAllowed: (error: unknown) => boolean;
}

/** Defaults of the entry options, in milliseconds. */
export const ENTRY_DEFAULTS: ResolvedEntryOptions = Object.freeze({
  ttl: 300_000,
  localTtl: Infinity,
  remoteTtl: Infinity,
  ttlJitter: 0,
  staleWhileRevalidate: 0,
  staleIfError: 0,
  negativeTtl: 30_000,
  softTimeout: 0,
  hardTimeout: 0,
});

const DURATIONS = [
  'ttl',
  'localTtl',
  'remoteTtl',
  'staleWhileRevalidate',
  'staleIfError',
  'negativeTtl',
  'softTimeout',
  'hardTimeout',
] as const;
const MIB = 1_048_576;

/**
 * Resolves the options of a cache.
 *
 * @throws CacheError `INVALID_OPTIONS` that lists every problem
 */
export function resolveCacheOptions<T>(options: CacheOptions<T> = {}): ResolvedCacheOptions<T> {
  const problems: string[] = [];
  const entry = resolveInto(options, ENTRY_DEFAULTS, problems);
  const resolved = {
    ...entry,
    maxEntries: positive('maxEntries', options.maxEntries ?? 100_000, problems),
    maxBytes: positive('maxBytes', options.maxBytes ?? 64 * MIB, problems),
    maxEntryBytes: positive('maxEntryBytes', options.maxEntryBytes ?? MIB / 2, problems),
    maxEntryValues: positive('maxEntryValues', options.maxEntryValues ?? 12_000, problems),
    compressionThreshold: notNegative('compressionThreshold', options.compressionThreshold ?? 1024, problems),
    refreshAhead: fraction('refreshAhead', options.refreshAhead ?? 0, problems),
    loadLease: atLeastOne('loadLease', options.loadLease ?? 5_000, problems),
    serializer: options.serializer ?? (jsonSerializer as Serializer<T>),
    isNegative: options.isNegative ?? ((value: T) => value === null),
    isStaleAllowed: options.isStaleAllowed ?? (() => true),
  };
  refuse(problems);
  return Object.freeze(resolved);
}

/**
 * Resolves the options of one call over those of its cache. `undefined` never overrides.
 *
 * @throws CacheError `INVALID_OPTIONS` that lists every problem
 */
export function resolveEntryOptions(
  options: EntryOptions | undefined,
  base: ResolvedEntryOptions,
): ResolvedEntryOptions {
  if (options === undefined || setsNothing(options)) return base;
  const problems: string[] = [];
  const resolved = resolveInto(options, base, problems);
  refuse(problems);
  return resolved;
}

/** True on the way of most reads, which name tags at most. */
function setsNothing(options: EntryOptions): boolean {
  for (let i = 0; i < DURATIONS.length; i++) if (options[DURATIONS[i]!] !== undefined) return false;
  return options.ttlJitter === undefined;
}

function resolveInto(options: EntryOptions, base: ResolvedEntryOptions, problems: string[]): ResolvedEntryOptions {
  const resolved: Record<string, number> = {
    ttl: base.ttl,
    localTtl: base.localTtl,
    remoteTtl: base.remoteTtl,
    ttlJitter: base.ttlJitter,
    staleWhileRevalidate: base.staleWhileRevalidate,
    staleIfError: base.staleIfError,
    negativeTtl: base.negativeTtl,
    softTimeout: base.softTimeout,
    hardTimeout: base.hardTimeout,
  };
  for (const name of DURATIONS) {
    const given = options[name];
    if (given === undefined) continue;
    resolved[name] = duration(name, given, problems);
  }
  if (options.ttlJitter !== undefined) resolved['ttlJitter'] = fraction('ttlJitter', options.ttlJitter, problems);
  return resolved as unknown as ResolvedEntryOptions;
}

function duration(name: string, given: Duration, problems: string[]): number {
  const ms = toMilliseconds(given);
  if (ms === undefined) problems.push(`${name}: ${JSON.stringify(given)} is not a duration such as 5000 or '5s'`);
  return ms ?? 0;
}

function atLeastOne(name: string, given: Duration, problems: string[]): number {
  const ms = duration(name, given, problems);
  if (ms < 1) problems.push(`${name}: ${JSON.stringify(given)} is less than a millisecond`);
  return Math.ceil(ms);
}

function fraction(name: string, value: number, problems: string[]): number {
  if (!(value >= 0 && value < 1)) problems.push(`${name}: ${value} is not a fraction from 0 to below 1`);
  return value;
}

function notNegative(name: string, value: number, problems: string[]): number {
  if (!(value >= 0)) problems.push(`${name}: ${value} is not a number from 0`);
  return value;
}

function positive(name: string, value: number, problems: string[]): number {
  if (!Number.isFinite(value) || value <= 0) problems.push(`${name}: ${value} is not a positive number`);
  return value;
}

function refuse(problems: readonly string[]): void {
  if (problems.length > 0) throw new CacheError('INVALID_OPTIONS', problems.join('; '));
}
