// Everything `npm test` does: a Redis binary, a fresh build for the tests of the compiled form, Jest.
import { spawnSync } from 'node:child_process';
import { ensureRedis } from './ensure-redis.mjs';

const run = (script, args) => {
  const { status } = spawnSync(process.execPath, [script, ...args], { stdio: 'inherit' });
  if (status !== 0) process.exit(status ?? 1);
};

ensureRedis();
process.stderr.write('building …\n');
run('node_modules/@nestjs/cli/bin/nest.js', ['build', 'api']);
run('node_modules/jest/bin/jest.js', process.argv.slice(2));
