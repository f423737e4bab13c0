import { CacheError, Strata } from '@strata/cache/core';
import { LruLocalStore } from '../../../libs/cache/src/drivers/memory/lru-local-store';
import { PROFILES } from './profiles';
import { run } from './run';

const SCHEDULES = Number(process.env['SIMULATION_SCHEDULES'] ?? 17);

/** Runs one half of the profiles: two files, so that two workers share the work. */
export function describeSchedules(half: 0 | 1): void {
  const profiles = PROFILES.filter((_, index) => index % 2 === half);

  describe('simulated schedules', () => {
    it.each(profiles.map((profile) => [profile.name, profile] as const))('%s', async (_name, profile) => {
      for (let seed = 1; seed <= SCHEDULES; seed++) {
        const report = await run({ Strata, CacheError, LruLocalStore }, profile, seed);
        expect(report).toMatchObject({ violations: [] });
      }
    });
  });
}
