// Library benchmark: see README.md beside this file for the method.
import { createRequire } from 'node:module';
import { cpus } from 'node:os';
import { join } from 'node:path';
import { BentoCache, bentostore } from 'bentocache';
import { memoryDriver } from 'bentocache/drivers/memory';
import { Cacheable } from 'cacheable';
import { createCache } from 'cache-manager';
import { LRUCache } from 'lru-cache';

const require = createRequire(import.meta.url);
const dist = join(process.cwd(), 'dist/libs/cache/src');
const { Strata, systemClock } = require(join(dist, 'core/index.js'));
const { LruLocalStore } = require(join(dist, 'drivers/memory/lru-local-store.js'));
const { nullBus, nullRemoteStore } = require(join(dist, 'drivers/null/index.js'));

const KEYS = 10_000;
const OPERATIONS = 200_000;
const ROUNDS = 5;
const product = (i) => ({ id: i, name: `Product ${i}`, description: 'x'.repeat(380), price: 9.99, inStock: true });

const keys = Array.from({ length: KEYS }, (_, i) => `product:${i}`);
const order = zipf(KEYS, 0.99, OPERATIONS);
const { strata, cache } = openStrata('off');
const leased = openStrata('acknowledged');
const bento = new BentoCache({
  default: 'memory',
  ttl: 3_600_000,
  stores: { memory: bentostore().useL1Layer(memoryDriver({ maxItems: KEYS * 2 })) },
});
const cacheable = new Cacheable({ ttl: 3_600_000 });
const contestants = await prepare();

process.stdout.write(`Node ${process.version}, ${cpus()[0].model}, ${cpus().length} cores\n\n`);
const rates = new Map(contestants.map(({ name }) => [name, []]));
for (let round = 0; round < ROUNDS; round++) {
  for (const { name, read, isSync } of contestants) rates.get(name).push(await (isSync ? rateOfSync : rate)(read));
}
table(rates);
await stampede();
await strata.close();
process.exit(0);

/** `acknowledged`: with a lease that lasts, so that a hit reads both clocks for it, as in a fleet. */
function openStrata(coherence) {
  const instance = new Strata({
    remote: nullRemoteStore(),
    bus: nullBus(),
    createLocalStore: (bounds, listener) => new LruLocalStore(bounds, listener, systemClock),
    coherence,
  });
  if (coherence !== 'off') {
    instance.state.grantLease(performance.now(), Date.now(), 3_600_000);
  }
  return { strata: instance, cache: instance.cache('bench', { ttl: '1h' }) };
}

async function prepare() {
  const map = new Map(keys.map((key, i) => [key, product(i)]));
  const lru = new LRUCache({ max: KEYS * 2, ttl: 3_600_000 });
  const manager = createCache({ ttl: 3_600_000 });
  for (const [key, value] of map) {
    lru.set(key, value);
    await manager.set(key, value);
    await cache.getOrSet(key, () => value);
    await leased.cache.getOrSet(key, () => value);
    await bento.set({ key, value });
    await cacheable.set(key, value);
  }
  const loader = () => Promise.reject(new Error('a warm cache loads nothing'));
  return [
    { name: 'Map, await', read: async (key) => map.get(key) },
    { name: 'Map, await, two clocks', read: async (key) => Date.now() + performance.now() > 0 && map.get(key) },
    { name: 'lru-cache with ttl, await', read: async (key) => lru.get(key) },
    { name: 'cache-manager wrap', read: (key) => manager.wrap(key, loader) },
    { name: 'cacheable getOrSet', read: (key) => cacheable.getOrSet(key, loader) },
    { name: 'bentocache getOrSet', read: (key) => bento.getOrSet({ key, factory: loader }) },
    { name: 'Strata getOrSet, mode off', read: (key) => cache.getOrSet(key, loader) },
    { name: 'Strata getOrSet, lease held', read: (key) => leased.cache.getOrSet(key, loader) },
    { name: 'Strata peek, lease held (no await)', read: (key) => leased.cache.peek(key), isSync: true },
  ];
}

async function rate(read) {
  const startedAt = performance.now();
  for (const i of order) await read(keys[i]);
  return (OPERATIONS / (performance.now() - startedAt)) * 1_000;
}

function rateOfSync(read) {
  const startedAt = performance.now();
  let found = 0;
  for (const i of order) if (read(keys[i]) !== undefined) found++;
  if (found !== OPERATIONS) throw new Error('not warm');
  return (OPERATIONS / (performance.now() - startedAt)) * 1_000;
}

function table(all) {
  const median = (values) => [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)];
  const limit = median(all.get('Map, await'));
  process.stdout.write('L1 hit, Zipf 0.99 over 10 000 keys        ops/s   of Map\n');
  for (const [name, values] of all) {
    const value = median(values);
    process.stdout.write(
      `${name.padEnd(36)} ${Math.round(value).toLocaleString('en').padStart(12)} ${(value / limit).toFixed(2).padStart(8)}\n`,
    );
  }
}

async function stampede() {
  let loads = 0;
  const slow = () => new Promise((resolve) => setTimeout(resolve, 20, ++loads));
  await Promise.all(Array.from({ length: 1_000 }, () => cache.getOrSet('cold', slow)));
  process.stdout.write(`\nloads for 1 000 callers of one cold key: ${loads}\n`);
}

/** Indices 0…n-1 by a Zipf law, from a fixed seed. */
function zipf(n, s, count) {
  const cumulative = [];
  let sum = 0;
  for (let i = 1; i <= n; i++) cumulative.push((sum += 1 / i ** s));
  let seed = 42;
  const random = () => (seed = (seed * 1_103_515_245 + 12_345) % 2_147_483_648) / 2_147_483_648;
  return Array.from({ length: count }, () => {
    const target = random() * sum;
    let [low, high] = [0, n - 1];
    while (low < high) {
      const middle = (low + high) >> 1;
      if (cumulative[middle] < target) low = middle + 1;
      else high = middle;
    }
    return low;
  });
}
