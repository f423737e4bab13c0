// Contestants that nothing else needs are installed here when a bench asks for them, at the versions of their lock.
import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';

const HOME = join(import.meta.dirname, '../peers');
const require = createRequire(join(HOME, 'package.json'));

/** Exactly these: the lock says so too. */
export const peerVersions = require('./package.json').dependencies;

/** To be called once, before contestants are started side by side. */
export function installPeers() {
  if (existsSync(join(HOME, 'node_modules', '.package-lock.json'))) return;
  process.stdout.write(`installing ${Object.keys(peerVersions).join(', ')}\n`);
  execFileSync('npm', ['ci', '--no-audit', '--no-fund', '--loglevel=error'], { cwd: HOME, stdio: 'inherit' });
}

export async function peer(name) {
  // As `import` finds it: some have no entry for `require`.
  const { exports: entries, module, main } = require(`${HOME}/node_modules/${name}/package.json`);
  const entry = entries?.['.'] ?? entries;
  const file = typeof entry === 'string' ? entry : (entry?.import?.default ?? entry?.import ?? module ?? main);
  return import(pathToFileURL(join(HOME, 'node_modules', name, file)).href);
}
