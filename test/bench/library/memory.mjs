// Heap and external bytes an entry: products of about 500 bytes, each contestant in a process of its own.
import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { BentoCache, bentostore } from 'bentocache';
import { memoryDriver } from 'bentocache/drivers/memory';
import { createCache } from 'cache-manager';
import { Cacheable } from 'cacheable';
import { LRUCache } from 'lru-cache';
import { product } from '../common/rounds.mjs';
import { table } from '../common/report.mjs';
import { openOthers, openStrata } from './local-contestants.mjs';

const execute = promisify(execFile);
const COUNT = Number(process.argv[3]);
const parsed = (i) => JSON.parse(JSON.stringify(product(i)));

const contestants = {
  Map: async () => {
    const map = new Map();
    for (let i = 0; i < COUNT; i++) map.set(`product:${i}`, parsed(i));
    return map;
  },
  'lru-cache with ttl': async () => {
    const lru = new LRUCache({ max: COUNT, ttl: 3_600_000 });
    for (let i = 0; i < COUNT; i++) lru.set(`product:${i}`, parsed(i));
    return lru;
  },
  'cache-manager': async () => {
    const manager = createCache({ ttl: 3_600_000 });
    for (let i = 0; i < COUNT; i++) await manager.set(`product:${i}`, parsed(i));
    return manager;
  },
  bentocache: async () => {
    const memory = bentostore().useL1Layer(memoryDriver({ maxItems: COUNT }));
    const cache = new BentoCache({ default: 'memory', ttl: 3_600_000, stores: { memory } });
    for (let i = 0; i < COUNT; i++) await cache.set({ key: `product:${i}`, value: parsed(i) });
    return cache;
  },
  cacheable: async () => {
    const cache = new Cacheable({ ttl: 3_600_000 });
    for (let i = 0; i < COUNT; i++) await cache.set(`product:${i}`, parsed(i));
    return cache;
  },
  'layered-loader': () => other('layered-loader get'),
  'async-cache-dedupe': () => other('async-cache-dedupe'),
  cachified: () => other('cachified'),
  Strata: async () => {
    // lru-cache makes room for all entries at once: bounded as the contestants above are.
    const { cache } = openStrata('off', { maxEntries: COUNT });
    for (let i = 0; i < COUNT; i++) await cache.getOrSet(`product:${i}`, () => parsed(i));
    await cache.settled();
    return cache;
  },
};

async function other(name) {
  const one = (await openOthers(COUNT)).find((candidate) => candidate.name === name);
  for (let i = 0; i < COUNT; i++) await one.fill(`product:${i}`, parsed(i));
  return one;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const held = contestants[process.argv[2]];
  const used = () => (global.gc(), global.gc(), process.memoryUsage().heapUsed + process.memoryUsage().external);
  const before = used();
  const cache = await held();
  await new Promise((resolve) => setTimeout(resolve, 100));
  process.stdout.write(String((used() - before) / COUNT));
  process.exit(cache === undefined ? 1 : 0);
}

export async function memory({ held, beside }) {
  const rows = [];
  const names = [...Object.keys(contestants), ...(beside ? ['beside'] : [])];
  // Not timed: two at once disturb nobody.
  while (names.length > 0)
    rows.push(...(await Promise.all(names.splice(0, 2).map((name) => measured(name, held, beside)))));
  return [table('memory of an entry with a 500-byte product', ['contestant', 'bytes'], rows)];
}

async function measured(name, held, beside) {
  const [contestant, cwd] = name === 'beside' ? ['Strata', beside] : [name, process.cwd()];
  const given = ['--expose-gc', fileURLToPath(import.meta.url), contestant, String(held)];
  const { stdout } = await execute(process.execPath, given, { cwd });
  return [name, Math.round(Number(stdout))];
}
