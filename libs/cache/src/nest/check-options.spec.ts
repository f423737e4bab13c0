import { checkModuleOptions } from './check-options';
import type { CacheModuleOptions } from './options';

describe('options of the module', () => {
  it.each<[Record<string, unknown>, string]>([
    [{ coherence: 'acknowledge' }, `"coherence" takes 'acknowledged', 'broadcast', 'off', not acknowledge`],
    [{ undelivered: 'nope' }, `"undelivered" takes 'defer', 'fail', not nope`],
    [{ leaseMs: '2s' }, '"leaseMs" takes milliseconds, at least 10, not 2s'],
    [{ leaseMs: Number.NaN }, '"leaseMs" takes milliseconds, at least 10, not NaN'],
    [{ leaseMs: Infinity }, '"leaseMs" takes milliseconds, at least 10, not Infinity'],
    [{ redisTimeoutMs: 0 }, '"redisTimeoutMs" takes milliseconds, at least 1, not 0'],
    [{ maxStaleMs: -5 }, '"maxStaleMs" takes milliseconds, at least 0, not -5'],
    [{ identify: 'x' }, '"identify" takes a function, not x'],
    [{ enabled: 'false' }, '"enabled" takes true or false, not false'],
    [{ transparentInterceptors: 'Logs' }, '"transparentInterceptors" takes a list of classes, not Logs'],
    [{ nameSpace: 'shop' }, 'there is no "nameSpace"'],
  ])('%j is refused', (options, reason) => {
    expect(() => checkModuleOptions(options as CacheModuleOptions)).toThrow(`CacheModule: ${reason}`);
  });

  it('all problems are told at once; what is not given, or fits, is none', () => {
    expect(() => checkModuleOptions({ leaseMs: 0, maxStaleMs: -1 })).toThrow(/leaseMs.*; "maxStaleMs"/);
    expect(() =>
      checkModuleOptions({
        redis: undefined,
        coherence: 'broadcast',
        leaseMs: 2_000,
        maxStaleMs: Infinity,
        trace: undefined,
        enabled: false,
      }),
    ).not.toThrow();
  });
});
