// npm run bench [-- --quick] [--only local,remote,memory,growth] [--beside DIR]: see ../README.md for the method.
import { resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { installPeers, peerVersions } from '../common/peers.mjs';
import { circumstances, writeResults } from '../common/report.mjs';
import { growth } from './growth.mjs';
import { localHits } from './local.mjs';
import { memory } from './memory.mjs';
import { remoteTier } from './remote.mjs';

const PACKAGES = ['lru-cache', 'cache-manager', 'cacheable', 'bentocache', 'keyv', 'ioredis', '@keyv/redis'];
const parts = { local: localHits, remote: remoteTier, memory, growth };
const { values } = parseArgs({
  options: {
    quick: { type: 'boolean', default: false },
    only: { type: 'string', default: Object.keys(parts).join() },
    beside: { type: 'string' },
  },
});
/** Another checkout that has been built: its Strata is a contestant too. */
const beside = values.beside && resolve(values.beside);
const size = values.quick
  ? { rounds: 2, processes: 1, runMs: 50, operations: 30_000, held: 20_000, largest: 100_000 }
  : { rounds: 6, processes: 2, runMs: 400, operations: 200_000, held: 50_000, largest: 1_000_000 };
const chosen = values.only.split(',');
const unknown = chosen.filter((name) => !(name in parts));
if (unknown.length > 0) {
  process.stderr.write(`--only takes ${Object.keys(parts).join(', ')}, not ${unknown.join(', ')}\n`);
  process.exit(2);
}
const facts = circumstances(PACKAGES, peerVersions);
installPeers();
const tables = [];
for (const name of chosen) tables.push(...(await parts[name]({ ...size, beside })));
writeResults('library', facts, tables);
process.exit(0);
