import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { loadMutant } from './simulation/load-mutant';
import { MUTANTS } from './simulation/mutants';
import { PROFILES } from './simulation/profiles';
import { run } from './simulation/run';

/** Below `node_modules`, so that the copies find their packages. */
const FOLDER = join(__dirname, `../../node_modules/.cache/strata-mutants-${process.pid}`);

/**
 * The judge is tested by what it must refuse: each rule of the protocol switched off, in a schedule that is
 * clean with it on.
 */
describe('a schedule shows when this rule is off', () => {
  afterAll(() => rmSync(FOLDER, { recursive: true, force: true }));

  it.each(MUTANTS.map((mutant) => [mutant.rule, mutant] as const))('%s', async (_rule, mutant) => {
    const profile = PROFILES.find(({ name }) => name === mutant.profile)!;
    const folder = (name: string): string => join(FOLDER, `${MUTANTS.indexOf(mutant)}-${name}`);
    const whole = loadMutant([], folder('whole'), require);
    expect(await run(whole, profile, mutant.seed)).toMatchObject({ violations: [] });
    const broken = loadMutant(mutant.edits, folder('broken'), require);
    const { violations } = await run(broken, profile, mutant.seed, { rules: mutant.rules ?? {} });
    expect(violations[0]?.rule).toMatch(/^C[1235]$/);
  });
});
