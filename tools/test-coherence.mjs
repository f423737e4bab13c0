// The long form of the history test: npm run test:coherence -- --minutes 10
import { spawnSync } from 'node:child_process';
import { parseArgs } from 'node:util';
import { ensureRedis } from './ensure-redis.mjs';

const { values } = parseArgs({ options: { minutes: { type: 'string', default: '1' } } });
const minutes = Number(values.minutes);
if (!(minutes > 0 && minutes <= 120)) {
  process.stderr.write('usage: npm run test:coherence -- [--minutes 1]   (up to 120)\n');
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
run('node_modules/@nestjs/cli/bin/nest.js', ['build', 'api']);
run('node_modules/jest/bin/jest.js', ['--selectProjects', 'coherence'], {
  COHERENCE_SECONDS: String(Math.round(minutes * 60)),
});
