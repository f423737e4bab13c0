// The long form of the proof of coherence: npm run test:coherence -- [--minutes 10] [--instances 5] [--from 1]
// Half of the time simulated schedules on all cores, half of it a fleet of real processes under faults.
import { spawnSync } from 'node:child_process';
import { parseArgs } from 'node:util';
import { ensureRedis } from './ensure-programs.mjs';

const { values } = parseArgs({
  options: {
    minutes: { type: 'string', default: '2' },
    instances: { type: 'string', default: '5' },
    from: { type: 'string', default: '1' },
  },
});
const [minutes, instances] = [Number(values.minutes), Number(values.instances)];
if (!(minutes > 0 && minutes <= 600 && Number.isInteger(instances) && instances >= 3 && instances <= 8)) {
  process.stderr.write(
    'usage: npm run test:coherence -- [--minutes 2, up to 600] [--instances 5, 3 to 8] [--from 1]\n',
  );
  process.exit(2);
}
ensureRedis();
const run = (script, args, env = {}) => {
  const { status } = spawnSync(process.execPath, [script, ...args], {
    stdio: 'inherit',
    env: { ...process.env, ...env },
  });
  if (status !== 0) process.exit(status ?? 1);
};
run('tools/simulate.mjs', ['--minutes', String(minutes / 2), '--from', values.from]);
run('node_modules/@nestjs/cli/bin/nest.js', ['build', 'api']);
run('node_modules/jest/bin/jest.js', ['--selectProjects', 'coherence', '--testPathPatterns', 'history'], {
  COHERENCE_SECONDS: String(Math.round(minutes * 30)),
  COHERENCE_INSTANCES: String(instances),
});
