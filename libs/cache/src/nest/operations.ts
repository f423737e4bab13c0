import { CacheError } from '../core/errors';
import { toMilliseconds } from '../core/duration';
import type { EntryOptions } from '../core/options';
import { hasDirective } from '../http/cacheability';
import type { CacheRequest } from './cache-request';

type Timing = Pick<EntryOptions, 'ttl' | 'ttlJitter' | 'staleWhileRevalidate' | 'staleIfError' | 'negativeTtl'>;

/** Whose an answer is: everybody's, one user's, or one tenant's. */
export type Scope = 'public' | 'user' | 'tenant';

/** Options of {@link Cacheable} on an HTTP handler. */
export interface CacheableOptions extends Timing {
  /** Named cache that holds the entries. @default 'http' */
  readonly cache?: string;
  /**
   * Key of the request, made of declared inputs only; `canonicalKey` builds one. `undefined` bypasses
   * the cache: return it for input that the handler's pipes will refuse. Pipes have not run yet.
   */
  readonly key: (request: CacheRequest) => string | undefined;
  /** What the answer depends on. @default [] */
  readonly tags?: (request: CacheRequest) => readonly string[];
  /**
   * `public`: one answer for all callers, also for requests with `Authorization` or cookies. `user`, `tenant`: one
   * for each that {@link identity} names. Without it requests that identify their sender bypass the cache.
   */
  readonly scope?: Scope;
  /**
   * Who asks, for the scopes `user` and `tenant`: from a verified token, never from a header that anybody can
   * set. Guards have run. Nothing, or what is no text, bypasses the cache. @default `identify` of the module
   */
  readonly identity?: (request: CacheRequest) => string | undefined;
  /** Request headers that the answer depends on: part of the key, and of `Vary`. @default [] */
  readonly vary?: readonly string[];
  /** Asked before the cache: false bypasses it. @default always */
  readonly condition?: (request: CacheRequest) => boolean;
  /** Asked after the handler: true keeps its result out of the cache. @default never */
  readonly unless?: (result: unknown, request: CacheRequest) => boolean;
  /** Change it when the handler or the shape of its answer changes: what was kept before is not served any more. */
  readonly version?: string | number;
  /** Error statuses kept as negative entries for `negativeTtl`. @default [] */
  readonly negativeStatuses?: readonly number[];
  /**
   * `Cache-Control` of the answers, for caches between here and the reader. `false` = none.
   * @default 'no-cache' (they ask every time, and mostly get a 304), with `private` for the scopes user and tenant
   */
  readonly cacheControl?: string | false;
  /** `CDN-Cache-Control` (RFC 9213): the same for a CDN alone. @default none */
  readonly cdnCacheControl?: string;
  /** True: `Surrogate-Key` carries the tags, beside `Cache-Groups`. @default false */
  readonly surrogateKeys?: boolean;
}

/** Options of {@link CacheEvict} on an HTTP handler. */
export interface CacheEvictOptions {
  /** Tags to invalidate after the handler has succeeded; a `Touched` result adds its own. @default [] */
  readonly tags?: (request: CacheRequest, result: unknown) => readonly string[];
  /** Everything in the namespace. @default false */
  readonly allEntries?: boolean;
  /** True: before the handler runs, whether it succeeds or not; `tags` is given no result. @default false */
  readonly beforeInvocation?: boolean;
}

/** {@link CacheableOptions}, checked and frozen when the class is defined. */
export interface CacheableOperation {
  readonly where: string;
  readonly cache: string;
  readonly key: CacheableOptions['key'];
  readonly tags: (request: CacheRequest) => readonly string[];
  readonly scope: Scope | undefined;
  readonly identity: CacheableOptions['identity'];
  readonly vary: readonly string[];
  readonly condition: (request: CacheRequest) => boolean;
  readonly unless: (result: unknown, request: CacheRequest) => boolean;
  readonly version: string;
  readonly negativeStatuses: readonly number[];
  readonly headers: Readonly<Record<string, string>>;
  /** True: `Cache-Control` was not asked for, and gives way to one that is there. */
  readonly hasDefaultControl: boolean;
  readonly surrogateKeys: boolean;
  readonly entry: EntryOptions;
}

/** {@link CacheEvictOptions}, checked and frozen when the class is defined. */
export interface CacheEvictOperation {
  readonly tags: (request: CacheRequest, result: unknown) => readonly string[];
  readonly allEntries: boolean;
  readonly beforeInvocation: boolean;
}

const never = (): boolean => false;
const always = (): boolean => true;
const none = (): readonly string[] => [];
const HEADER_NAME = /^[a-z0-9!#$%&'*+.^_`|~-]+$/;

/** @throws CacheError `INVALID_OPTIONS` that lists every problem: a wrong decorator fails the start, not a request */
export function parseCacheable(options: CacheableOptions, where: string): CacheableOperation {
  const problems = functionProblems(options, ['key'], ['tags', 'condition', 'unless', 'identity']);
  problems.push(...timingProblems(options ?? {}));
  const { scope, vary = [], negativeStatuses = [], cacheControl, cdnCacheControl } = options ?? {};
  if (scope !== undefined && !['public', 'user', 'tenant'].includes(scope)) {
    problems.push(`"scope" must be 'public', 'user' or 'tenant'`);
  }
  const names = vary.map((name) => name.toLowerCase());
  if (!names.every((name) => HEADER_NAME.test(name))) problems.push('"vary" must be names of request headers');
  if (!negativeStatuses.every((status) => Number.isInteger(status) && status >= 400 && status < 600)) {
    problems.push('"negativeStatuses" must be statuses from 400 to 599');
  }
  if (isStrict(cacheControl) && STALE.some((name) => options[name] !== undefined)) {
    problems.push('"cacheControl" forbids stale answers: it does not go with "staleWhileRevalidate" or "staleIfError"');
  }
  refuse('@Cacheable', where, problems);
  const control = cacheControl ?? (scope === 'user' || scope === 'tenant' ? 'private, no-cache' : 'no-cache');
  return Object.freeze({
    where,
    cache: options.cache ?? 'http',
    key: options.key,
    tags: options.tags ?? none,
    scope,
    identity: options.identity,
    vary: Object.freeze(names.sort()),
    condition: options.condition ?? always,
    unless: options.unless ?? never,
    version: String(options.version ?? ''),
    negativeStatuses: Object.freeze([...negativeStatuses]),
    headers: Object.freeze({
      ...(control === false ? {} : { 'cache-control': control }),
      ...(cdnCacheControl === undefined ? {} : { 'cdn-cache-control': cdnCacheControl }),
    }),
    hasDefaultControl: cacheControl === undefined,
    surrogateKeys: options.surrogateKeys ?? false,
    entry: Object.freeze({ ...timingOf(options), ...(isStrict(control) ? NEVER_STALE : {}) }),
  });
}

/** @throws CacheError `INVALID_OPTIONS` that lists every problem */
export function parseCacheEvict(options: CacheEvictOptions, where: string): CacheEvictOperation {
  refuse('@CacheEvict', where, functionProblems(options, [], ['tags']));
  return Object.freeze({
    tags: options.tags ?? none,
    allEntries: options.allEntries ?? false,
    beforeInvocation: options.beforeInvocation ?? false,
  });
}

const STALE = ['staleWhileRevalidate', 'staleIfError'] as const;
const NEVER_STALE = { staleWhileRevalidate: 0, staleIfError: 0 };

/** RFC 5861, section 4, and RFC 9111, section 5.2.2.2: these forbid everybody to serve stale, this cache included. */
function isStrict(control: string | false | undefined): boolean {
  const strict = ['must-revalidate', 'proxy-revalidate'];
  return typeof control === 'string' && strict.some((directive) => hasDirective(control, directive));
}

function functionProblems(
  options: object | undefined,
  needed: readonly string[],
  allowed: readonly string[],
): string[] {
  const given = (options ?? {}) as Record<string, unknown>;
  const wrong = (name: string): boolean => given[name] !== undefined && typeof given[name] !== 'function';
  return [
    ...needed.filter((name) => typeof given[name] !== 'function').map((name) => `"${name}" must be a function`),
    ...allowed.filter(wrong).map((name) => `"${name}" must be a function`),
  ];
}

const TIMES = ['ttl', 'staleWhileRevalidate', 'staleIfError', 'negativeTtl'] as const;

function timingProblems(options: Timing): string[] {
  return TIMES.filter((name) => options[name] !== undefined && toMilliseconds(options[name]) === undefined).map(
    (name) => `"${name}" must be milliseconds or a duration such as '5s'`,
  );
}

function timingOf({ ttl, ttlJitter, staleWhileRevalidate, staleIfError, negativeTtl }: Timing): EntryOptions {
  return { ttl, ttlJitter, staleWhileRevalidate, staleIfError, negativeTtl };
}

function refuse(decorator: string, where: string, problems: readonly string[]): void {
  if (problems.length > 0) throw new CacheError('INVALID_OPTIONS', `${decorator} on ${where}: ${problems.join('; ')}`);
}
