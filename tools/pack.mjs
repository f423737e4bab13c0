// npm run pack: the libraries as npm takes them, dist/packages/strata-cache-<version>.tgz and strata-metrics-<version>.tgz.
import { spawnSync } from 'node:child_process';
import { copyFileSync, mkdirSync, rmSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = resolve(fileURLToPath(import.meta.url), '../..');
const packages = join(root, 'dist/packages');

/** Metrics are compiled against the types of the packed cache: a type that is not exported there stops it. */
for (const name of ['cache', 'metrics']) {
  const from = join(root, 'libs', name);
  const to = join(packages, name);
  rmSync(to, { recursive: true, force: true });
  mkdirSync(to, { recursive: true });
  run(process.execPath, ['node_modules/typescript/bin/tsc', '-p', join(from, 'tsconfig.lib.json')]);
  for (const file of ['package.json', 'README.md']) copyFileSync(join(from, file), join(to, file));
  copyFileSync(join(root, 'LICENSE'), join(to, 'LICENSE'));
  run('npm', ['pack', '--silent', '--pack-destination', packages, to]);
}

function run(command, args) {
  const { status, error } = spawnSync(command, args, { cwd: root, stdio: 'inherit' });
  if (error !== undefined) throw error;
  if (status !== 0) process.exit(status ?? 1);
}
