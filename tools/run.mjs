// Builds when a source is newer than the build, then runs a compiled entry in this process.
//   node tools/run.mjs main            node tools/run.mjs cli/seed --count 1000
import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync, statSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = resolve(dirname(fileURLToPath(import.meta.url)), '..');
const [entry, ...args] = process.argv.slice(2);
const compiled = join(root, 'dist/apps/api/src', `${entry}.js`);

function newest(path) {
  const stat = statSync(path);
  if (!stat.isDirectory()) return stat.mtimeMs;
  return Math.max(0, ...readdirSync(path).map((name) => newest(join(path, name))));
}

function isStale() {
  if (!existsSync(compiled)) return true;
  const sources = ['apps', 'libs', 'tsconfig.json', 'tsconfig.build.json', 'nest-cli.json'];
  const canBuild = existsSync(join(root, 'node_modules/@nestjs/cli'));
  return canBuild && Math.max(...sources.map((name) => newest(join(root, name)))) > statSync(compiled).mtimeMs;
}

if (isStale()) {
  process.stderr.write('building …\n');
  const { status } = spawnSync(process.execPath, ['node_modules/@nestjs/cli/bin/nest.js', 'build', 'api'], {
    cwd: root,
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  if (status !== 0) {
    process.stderr.write('The build failed: run "npm run build" to see why.\n');
    process.exit(status ?? 1);
  }
}

// The entry sees the arguments as if it had been started itself.
process.argv = [process.argv[0], compiled, ...args];
createRequire(import.meta.url)(compiled);
