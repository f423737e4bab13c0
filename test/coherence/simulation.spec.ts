import { CacheError, Strata } from '@strata/cache/core';
import { LruLocalStore } from '../../libs/cache/src/drivers/memory/lru-local-store';
import { PROFILES } from './simulation/profiles';
import { run } from './simulation/run';

const SCHEDULES = Number(process.env['SIMULATION_SCHEDULES'] ?? 18);

describe('simulated schedules', () => {
  it.each(PROFILES.map((profile) => [profile.name, profile] as const))('%s', async (_name, profile) => {
    for (let seed = 1; seed <= SCHEDULES; seed++) {
      const report = await run({ Strata, CacheError, LruLocalStore }, profile, seed);
      expect(report).toMatchObject({ violations: [] });
    }
  });
});
