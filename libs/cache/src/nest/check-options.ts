import { CacheError } from '../core/errors';
import type { CacheModuleOptions } from './options';

type Check = (value: unknown) => string | undefined;

const oneOf =
  (...known: readonly string[]): Check =>
  (value) =>
    known.includes(value as string) ? undefined : known.map((text) => `'${text}'`).join(', ');
const milliseconds =
  (least: number, most = Number.MAX_VALUE): Check =>
  (value) =>
    typeof value === 'number' && value >= least && value <= most ? undefined : `milliseconds, at least ${least}`;
const aFunction: Check = (value) => (typeof value === 'function' ? undefined : 'a function');
const anything: Check = () => undefined;

/** A value of each member of {@link CacheModuleOptions}, where it is given; what other parts check is left to them. */
const CHECKS: Readonly<Record<keyof CacheModuleOptions | 'isGlobal', Check>> = {
  // Of `forRoot`, which takes it out; a factory of `forRootAsync` may share its options.
  isGlobal: anything,
  enabled: (value) => (typeof value === 'boolean' ? undefined : 'true or false'),
  namespace: anything,
  redis: anything,
  store: anything,
  identify: aFunction,
  mayRefresh: aFunction,
  redisTimeoutMs: milliseconds(1),
  coherence: oneOf('acknowledged', 'broadcast', 'off'),
  leaseMs: milliseconds(10),
  maxStaleMs: milliseconds(0, Infinity),
  undelivered: oneOf('defer', 'fail'),
  defaults: anything,
  warm: anything,
  trace: aFunction,
  transparentInterceptors: (value) => (Array.isArray(value) ? undefined : 'a list of classes'),
  onBreakerChange: aFunction,
};

/** @throws CacheError `INVALID_OPTIONS` that lists every problem: a word that nobody knows would be the default, unseen */
export function checkModuleOptions(options: CacheModuleOptions): void {
  const problems = Object.entries(options).flatMap(([name, value]) => {
    const check = CHECKS[name as keyof CacheModuleOptions] as Check | undefined;
    if (check === undefined) return [`there is no "${name}"`];
    const wanted = value === undefined ? undefined : check(value);
    return wanted === undefined ? [] : [`"${name}" takes ${wanted}, not ${String(value)}`];
  });
  if (problems.length > 0) throw new CacheError('INVALID_OPTIONS', `CacheModule: ${problems.join('; ')}`);
}
