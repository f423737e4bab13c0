import { toMilliseconds, type Duration } from '../core/duration';
import { CacheError } from '../core/errors';
import type { EntryOptions } from '../core/options';
import { hasDirective } from '../http/cacheability';
import type { CacheableOptions, CacheEvictOptions, CachePutOptions, Scope } from './decorator-options';

/** A function of the inputs of a method, or of its result and them; the decorators have checked the types. */
type Of<R> = (...given: never[]) => R;

/** {@link CacheableOptions}, checked and frozen. */
export interface CacheableOperation {
  readonly where: string;
  readonly cache: string | undefined;
  readonly key: Of<string | undefined> | undefined;
  readonly tags: Of<readonly string[]>;
  readonly resultTags: Of<readonly string[]>;
  readonly scope: Scope | undefined;
  readonly identity: CacheableOptions['identity'];
  readonly vary: readonly string[];
  readonly condition: Of<boolean>;
  readonly unless: Of<boolean>;
  readonly ttlOf: Of<Duration> | undefined;
  readonly version: string;
  readonly negativeStatuses: readonly number[];
  readonly headers: Readonly<Record<string, string>>;
  /** True: `Cache-Control` was not asked for, and gives way to one that is there. */
  readonly hasDefaultControl: boolean;
  readonly surrogateKeys: boolean;
  readonly cacheGroups: boolean;
  readonly entry: EntryOptions;
}

/** {@link CachePutOptions}, checked and frozen. */
export interface CachePutOperation {
  readonly where: string;
  readonly cache: string | undefined;
  readonly key: Of<string | undefined>;
  readonly tags: Of<readonly string[]>;
  readonly condition: Of<boolean>;
  readonly unless: Of<boolean>;
  readonly ttlOf: Of<Duration> | undefined;
  readonly version: string;
  readonly entry: EntryOptions;
}

/** {@link CacheEvictOptions}, checked and frozen. */
export interface CacheEvictOperation {
  readonly where: string;
  readonly cache: string | undefined;
  readonly tags: Of<readonly string[]>;
  readonly key: Of<string | undefined> | undefined;
  readonly version: string;
  readonly condition: Of<boolean>;
  readonly allEntries: boolean;
  readonly beforeInvocation: boolean;
}

type Timing = Omit<EntryOptions, 'ttl'> & { readonly ttl?: Duration | Of<Duration> };

const never = (): boolean => false;
/** The condition of operations that have none. */
export const always = (): boolean => true;
const none = (): readonly string[] => [];
const HEADER_NAME = /^[a-z0-9!#$%&'*+.^_`|~-]+$/;

/** @throws CacheError `INVALID_OPTIONS` that lists every problem: a wrong decorator fails the start, not a request */
export function parseCacheable(options: CacheableOptions, where: string): CacheableOperation {
  const { scope, vary = [], negativeStatuses = [], cacheControl, cdnCacheControl } = options;
  const names = vary.map((name) => name.toLowerCase());
  refuse('@Cacheable', where, [
    ...functionProblems(options, ['key', 'tags', 'resultTags', 'condition', 'unless', 'identity']),
    ...timingProblems(options),
    ...httpProblems(options, names),
  ]);
  const control = cacheControl ?? (scope === 'user' || scope === 'tenant' ? 'private, no-cache' : 'no-cache');
  return Object.freeze({
    where,
    ...shared(options),
    key: options.key,
    tags: options.tags ?? none,
    resultTags: options.resultTags ?? none,
    scope,
    identity: options.identity,
    vary: Object.freeze(names.sort()),
    negativeStatuses: Object.freeze([...negativeStatuses]),
    headers: Object.freeze({
      ...(control === false ? {} : { 'cache-control': control }),
      ...(cdnCacheControl === undefined ? {} : { 'cdn-cache-control': cdnCacheControl }),
    }),
    hasDefaultControl: cacheControl === undefined,
    surrogateKeys: options.surrogateKeys ?? false,
    cacheGroups: options.cacheGroups ?? true,
    entry: Object.freeze({ ...timingOf(options), ...(isStrict(control) ? NEVER_STALE : {}) }),
  });
}

/** @throws CacheError `INVALID_OPTIONS` that lists every problem */
export function parseCachePut(options: CachePutOptions<never[]>, where: string): CachePutOperation {
  refuse('@CachePut', where, [
    ...(typeof options.key === 'function' ? [] : ['"key" must be a function: it names the entry that is replaced']),
    ...functionProblems(options, ['tags', 'condition', 'unless']),
    ...timingProblems(options),
  ]);
  const { key, tags = none } = options;
  return Object.freeze({ where, ...shared(options), key, tags, entry: Object.freeze(timingOf(options)) });
}

/** @throws CacheError `INVALID_OPTIONS` that lists every problem */
export function parseCacheEvict(options: CacheEvictOptions<never[]>, where: string): CacheEvictOperation {
  refuse('@CacheEvict', where, functionProblems(options, ['tags', 'key', 'condition']));
  const { cache, key, tags = none, condition = always, allEntries = false, beforeInvocation = false } = options;
  const version = String(options.version ?? '');
  return Object.freeze({ where, cache, key, tags, version, condition, allEntries, beforeInvocation });
}

function shared(options: CacheableOptions | CachePutOptions<never[]>) {
  const { cache, condition = always, unless = never, version = '', ttl } = options;
  return { cache, condition, unless, version: String(version), ttlOf: typeof ttl === 'function' ? ttl : undefined };
}

function httpProblems(options: CacheableOptions, vary: readonly string[]): string[] {
  const problems: string[] = [];
  const { scope, negativeStatuses = [], cacheControl } = options;
  if (scope !== undefined && !['public', 'user', 'tenant'].includes(scope)) {
    problems.push(`"scope" must be 'public', 'user' or 'tenant'`);
  }
  if (scope === 'user' || scope === 'tenant') problems.push(...publicControls(options));
  if (!vary.every((name) => HEADER_NAME.test(name))) problems.push('"vary" must be names of request headers');
  if (!negativeStatuses.every((status) => Number.isInteger(status) && status >= 400 && status < 600)) {
    problems.push('"negativeStatuses" must be statuses from 400 to 599');
  }
  if (isStrict(cacheControl) && STALE.some((name) => options[name] !== undefined)) {
    problems.push('"cacheControl" forbids stale answers: it does not go with "staleWhileRevalidate" or "staleIfError"');
  }
  return problems;
}

/** What would let caches on the way give the answer of one reader to another (RFC 9111, section 5.2.2.7; RFC 9213). */
function publicControls({ scope, cacheControl, cdnCacheControl }: CacheableOptions): string[] {
  const problems: string[] = [];
  const isPrivate =
    hasDirective(cacheControl || undefined, 'private') || hasDirective(cacheControl || undefined, 'no-store');
  if (typeof cacheControl === 'string' && !isPrivate) {
    problems.push(`"cacheControl" must hold 'private' or 'no-store' where the scope is '${scope}'`);
  }
  if (cdnCacheControl !== undefined) problems.push(`"cdnCacheControl" does not go with the scope '${scope}'`);
  return problems;
}

const STALE = ['staleWhileRevalidate', 'staleIfError'] as const;
const NEVER_STALE = { staleWhileRevalidate: 0, staleIfError: 0 };

/** RFC 5861, section 4, and RFC 9111, section 5.2.2.2: these forbid everybody to serve stale, this cache included. */
function isStrict(control: string | false | undefined): boolean {
  const strict = ['must-revalidate', 'proxy-revalidate'];
  return typeof control === 'string' && strict.some((directive) => hasDirective(control, directive));
}

function functionProblems(options: object, names: readonly string[]): string[] {
  const given = options as Record<string, unknown>;
  const wrong = names.filter((name) => given[name] !== undefined && typeof given[name] !== 'function');
  return wrong.map((name) => `"${name}" must be a function`);
}

const TIMES = ['ttl', 'staleWhileRevalidate', 'staleIfError', 'negativeTtl', 'softTimeout', 'hardTimeout'] as const;

function timingProblems(options: Timing): string[] {
  const isWrong = (given: unknown): boolean =>
    given !== undefined && typeof given !== 'function' && toMilliseconds(given as Duration) === undefined;
  return TIMES.filter((name) => isWrong(options[name])).map(
    (name) => `"${name}" must be milliseconds or a duration such as '5s'`,
  );
}

function timingOf(given: Timing): EntryOptions {
  const { ttlJitter, staleWhileRevalidate, staleIfError, negativeTtl, softTimeout, hardTimeout } = given;
  const ttl = typeof given.ttl === 'function' ? undefined : given.ttl;
  return { ttl, ttlJitter, staleWhileRevalidate, staleIfError, negativeTtl, softTimeout, hardTimeout };
}

function refuse(decorator: string, where: string, problems: readonly string[]): void {
  if (problems.length > 0) throw new CacheError('INVALID_OPTIONS', `${decorator} on ${where}: ${problems.join('; ')}`);
}
