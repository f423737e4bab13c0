import type { CacheableOptions } from '@strata/cache';

/** What the handler of a test answers at its `n`th call. */
export interface Origin {
  readonly headers?: Readonly<Record<string, string>>;
  /** Set on the response object instead of returned with the value. */
  readonly onResponse?: Readonly<Record<string, string | string[]>>;
  readonly throws?: number;
  readonly status?: number;
}

/** One request, and what its answer must be. */
export interface Step {
  readonly method?: 'GET' | 'HEAD' | 'POST' | 'PUT' | 'DELETE';
  readonly headers?: Readonly<Record<string, string | readonly string[]>>;
  /** Time that passes before it, in milliseconds. */
  readonly after?: number;
  /** `hit`: the handler did not run. `load`: it did, and the answer is kept. `pass`: it did, and it is not. */
  readonly is: 'hit' | 'load' | 'pass' | 'none';
  /** @default 200 */
  readonly status?: number;
  /** Number of the handler's call whose body it is. */
  readonly of?: number;
  /** Response headers; `undefined` for one that must be missing. */
  readonly has?: Readonly<Record<string, string | RegExp | undefined>>;
}

/** A test of http-tests/cache-tests, translated: the cache is inside the origin, and the route decides. */
export interface Case {
  /** Id in the public suite. */
  readonly id: string;
  /** What the suite says of it. */
  readonly kind: 'required' | 'optimal' | 'check';
  /** Set where we differ on purpose: why. The steps then show what we do. */
  readonly differs?: string;
  readonly route: keyof typeof ROUTES;
  readonly origin?: Origin | ((n: number) => Origin);
  readonly steps: readonly Step[];
}

const HOUR = '1h';

/** The lifetimes that the public suite gives in response headers are options of the route here. */
export const ROUTES = {
  fresh: { ttl: HOUR, scope: 'public' },
  short: { ttl: '2s', scope: 'public' },
  zero: { ttl: 0, scope: 'public' },
  huge: { ttl: '99999999999s', scope: 'public' },
  undeclared: { ttl: HOUR },
  foo: { ttl: HOUR, scope: 'public', vary: ['Foo'] },
  foobar: { ttl: HOUR, scope: 'public', vary: ['Foo', 'Bar'] },
  foobarbaz: { ttl: HOUR, scope: 'public', vary: ['Foo', 'Bar', 'Baz'] },
  language: { ttl: HOUR, scope: 'public', vary: ['Accept-Language'] },
  negative: { ttl: HOUR, negativeTtl: '2s', scope: 'public', negativeStatuses: [400, 404, 410, 499, 500, 503, 599] },
  swr: { ttl: '2s', scope: 'public', staleWhileRevalidate: '5s' },
  sie: { ttl: '2s', scope: 'public', staleIfError: '5s' },
  strict: { ttl: '2s', scope: 'public', cacheControl: 'max-age=2, must-revalidate' },
  cdn: { ttl: HOUR, scope: 'public', cdnCacheControl: 'max-age=60' },
  tagged: { ttl: HOUR, scope: 'public', tags: () => ['item'] },
} as const satisfies Readonly<Record<string, Omit<CacheableOptions, 'key'>>>;
