// Finds Debian's Chromium, or installs it where that is possible, then runs the browser tests.
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { ensureRedis } from './ensure-programs.mjs';

const PLACES = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'];
const has = (command) => spawnSync('sh', ['-c', `command -v ${command}`], { stdio: 'ignore' }).status === 0;
let browser = process.env.CHROMIUM_PATH ?? PLACES.find(existsSync);

if (browser === undefined && process.getuid?.() === 0 && has('apt-get')) {
  process.stderr.write('No Chromium here: installing the package chromium with apt-get …\n');
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' };
  spawnSync('apt-get', ['update', '-qq'], { stdio: 'ignore', env });
  spawnSync('apt-get', ['install', '-y', '-qq', '--no-install-recommends', 'chromium'], { stdio: 'ignore', env });
  browser = PLACES.find(existsSync);
}
if (browser === undefined) {
  process.stderr.write('The browser tests need Chromium: install it, or set CHROMIUM_PATH to a browser.\n');
  process.exit(1);
}
ensureRedis();
const { status } = spawnSync(
  process.execPath,
  ['node_modules/jest/bin/jest.js', '--selectProjects', 'browser', '--testTimeout', '60000', ...process.argv.slice(2)],
  { stdio: 'inherit', env: { ...process.env, CHROMIUM_PATH: browser } },
);
process.exit(status ?? 1);
