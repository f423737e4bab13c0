import { execFileSync } from 'node:child_process';
import { cpSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const DIST = join(__dirname, '../../dist/libs/cache/src');

it('the compiled core works where neither Nest nor Redis nor any package is installed', () => {
  const folder = mkdtempSync(join(tmpdir(), 'strata-core-'));
  try {
    for (const part of ['core', 'drivers/null']) cpSync(join(DIST, part), join(folder, part), { recursive: true });
    writeFileSync(
      join(folder, 'run.js'),
      `const { Strata } = require('./core');
       const { nullRemoteStore, nullBus } = require('./drivers/null');
       const entries = new Map();
       const createLocalStore = (bounds) => ({
         bounds, size: 0, bytes: 0, get: (k) => entries.get(k), peek: (k) => entries.get(k),
         set: (k, e) => (entries.set(k, e), true), delete: (k) => entries.delete(k), clear: () => entries.clear(),
       });
       (async () => {
         const strata = new Strata({ remote: nullRemoteStore(), bus: nullBus(), createLocalStore, coherence: 'off' });
         const cache = strata.cache('bare');
         const seen = [await cache.getOrSet('k', () => 1), await cache.getOrSet('k', () => 2)];
         await strata.invalidateTags(['t']); await cache.delete('k');
         seen.push(await cache.getOrSet('k', () => 3));
         const foreign = Object.keys(require.cache).filter((path) => path.includes('node_modules'));
         process.stdout.write(JSON.stringify({ seen, foreign }));
       })();`,
    );
    const output = execFileSync(process.execPath, [join(folder, 'run.js')], { cwd: folder, env: {} }).toString();
    expect(JSON.parse(output)).toEqual({ seen: [1, 1, 3], foreign: [] });
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});
