// Everything `npm test` does: the servers that the tests start, a fresh build for the tests of the compiled form, Jest.
import { spawnSync } from 'node:child_process';
import { ensureNginx, ensurePrometheus, ensureRedis } from './ensure-programs.mjs';

const run = (script, args) => {
  const { status } = spawnSync(process.execPath, [script, ...args], { stdio: 'inherit' });
  if (status !== 0) process.exit(status ?? 1);
};

ensureRedis();
ensurePrometheus();
ensureNginx();
process.stderr.write('building …\n');
run('node_modules/@nestjs/cli/bin/nest.js', ['build', 'api']);
run('node_modules/jest/bin/jest.js', process.argv.slice(2));
