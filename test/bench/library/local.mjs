// L1 hits: one hot key, and 10 000 keys by Zipf 0.99.
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { BentoCache, bentostore } from 'bentocache';
import { memoryDriver } from 'bentocache/drivers/memory';
import { Cacheable } from 'cacheable';
import { createCache } from 'cache-manager';
import { LRUCache } from 'lru-cache';
import { interleaved, perSecond, product, zipf } from '../common/rounds.mjs';
import { peer } from '../common/peers.mjs';
import { table } from '../common/report.mjs';

const require = createRequire(import.meta.url);

const KEYS = 10_000;
const HOUR_MS = 3_600_000;
const loader = () => Promise.reject(new Error('a warm cache loads nothing'));

/**
 * `acknowledged`: with a lease that lasts, so that a hit reads both clocks for it, as in a fleet.
 *
 * @param root of the checkout whose build it is
 */
export function openStrata(coherence, options = {}, root = process.cwd()) {
  const dist = join(root, 'dist/libs/cache/src');
  const { Strata, systemClock } = require(join(dist, 'core/index.js'));
  const { LruLocalStore } = require(join(dist, 'drivers/memory/lru-local-store.js'));
  const { nullBus, nullRemoteStore } = require(join(dist, 'drivers/null/index.js'));
  const instance = new Strata({
    remote: nullRemoteStore(),
    bus: nullBus(),
    createLocalStore: (bounds, listener) => new LruLocalStore(bounds, listener, systemClock),
    coherence,
  });
  if (coherence !== 'off') instance.state.grantLease(performance.now(), Date.now(), HOUR_MS);
  return {
    instance,
    cache: instance.cache('bench', { ttl: HOUR_MS, maxEntries: 2_000_000, maxBytes: 4e9, ...options }),
  };
}

export async function localHits({ rounds, operations, beside }) {
  const keys = Array.from({ length: KEYS }, (_, i) => `product:${i}`);
  const order = zipf(KEYS, 0.99, operations).map((i) => keys[i]);
  const hot = Array.from({ length: operations }, () => keys[7]);
  const contestants = await prepare(keys, beside);
  const through = (list) =>
    contestants.map(({ name, read, isSync }) => ({ name, run: () => (isSync ? sync(read, list) : each(read, list)) }));
  const [byZipf, onOne] = [await interleaved(through(order), rounds), await interleaved(through(hot), rounds)];
  const limit = byZipf.get('Map, await');
  const rows = [...byZipf].map(([name, rate]) => [
    name,
    (rate / limit).toFixed(2),
    Math.round(rate).toLocaleString('en'),
    Math.round(onOne.get(name)).toLocaleString('en'),
  ]);
  return [table('L1 hit', ['contestant', 'of Map, await', 'Zipf ops/s', 'one key ops/s'], rows)];
}

/** A tenth of it before the clock runs: what ran before has taken the processor's caches, and some of the compiled code. */
async function each(read, list) {
  for (const key of list.slice(0, list.length / 10)) await read(key);
  const startedAt = performance.now();
  for (const key of list) await read(key);
  return perSecond(list.length, startedAt);
}

function sync(read, list) {
  const startedAt = performance.now();
  let found = 0;
  for (const key of list) if (read(key) !== undefined) found++;
  if (found !== list.length) throw new Error('not warm');
  return perSecond(list.length, startedAt);
}

async function prepare(keys, beside) {
  const [{ cache }, leased] = [openStrata('off'), openStrata('acknowledged')];
  const other = beside && openStrata('acknowledged', {}, beside).cache;
  const memory = bentostore().useL1Layer(memoryDriver({ maxItems: KEYS * 2 }));
  const bento = new BentoCache({ default: 'memory', ttl: HOUR_MS, stores: { memory } });
  const cacheable = new Cacheable({ ttl: HOUR_MS });
  const map = new Map(keys.map((key, i) => [key, product(i)]));
  const lru = new LRUCache({ max: KEYS * 2, ttl: HOUR_MS });
  const manager = createCache({ ttl: HOUR_MS });
  const others = await openOthers();
  for (const [key, value] of map) {
    lru.set(key, value);
    await manager.set(key, value);
    for (const one of [cache, leased.cache, ...(other ? [other] : [])]) await one.getOrSet(key, () => value);
    await bento.set({ key, value });
    await cacheable.set(key, value);
    for (const { fill } of others) await fill(key, value);
  }
  return [
    { name: 'Map, await', read: async (key) => map.get(key) },
    { name: 'Map, await, two clocks', read: async (key) => Date.now() + performance.now() > 0 && map.get(key) },
    { name: 'lru-cache with ttl, await', read: async (key) => lru.get(key) },
    { name: 'cache-manager get', read: (key) => manager.get(key) },
    { name: 'cache-manager wrap', read: (key) => manager.wrap(key, loader) },
    { name: 'cacheable getOrSet', read: (key) => cacheable.getOrSet(key, loader) },
    ...others,
    { name: 'bentocache getOrSet', read: (key) => bento.getOrSet({ key, factory: loader }) },
    { name: 'Strata get, lease held', read: (key) => leased.cache.get(key) },
    { name: 'Strata getOrSet, mode off', read: (key) => cache.getOrSet(key, loader) },
    { name: 'Strata getOrSet, lease held', read: (key) => leased.cache.getOrSet(key, loader) },
    { name: 'Strata peek, lease held', read: (key) => leased.cache.peek(key), isSync: true },
    ...(other
      ? [
          { name: 'beside: getOrSet, lease held', read: (key) => other.getOrSet(key, loader) },
          { name: 'beside: peek, lease held', read: (key) => other.peek(key), isSync: true },
        ]
      : []),
  ];
}

/** Peers that are installed on demand: `fill(key, value)`, then `read(key)` loads nothing. */
export async function openOthers(size = KEYS * 2) {
  const { Loader } = await peer('layered-loader');
  const { createCache: createDedupe } = await peer('async-cache-dedupe');
  const { cachified } = await peer('@epic-web/cachified');
  const values = new Map();
  const layered = new Loader({
    inMemoryCache: { cacheType: 'lru-map', ttlInMsecs: HOUR_MS, maxItems: size },
    dataSourceGetOneFn: async (key) => values.get(key),
  });
  const dedupe = createDedupe({ ttl: HOUR_MS / 1_000, storage: { type: 'memory', options: { size } } });
  dedupe.define('read', async (key) => values.get(key));
  const lru = new LRUCache({ max: size });
  const cache = {
    get: (key) => lru.get(key),
    set: (key, entry) => lru.set(key, entry),
    delete: (key) => lru.delete(key),
  };
  const readCachified = (key, getFreshValue) => cachified({ key, cache, ttl: HOUR_MS, getFreshValue });
  /** What loads keeps no second copy: memory is measured with the same functions. */
  const through = (read) => async (key, value) => {
    values.set(key, value);
    await read(key);
    values.delete(key);
  };
  return [
    { name: 'layered-loader get', fill: through((key) => layered.get(key)), read: (key) => layered.get(key) },
    { name: 'async-cache-dedupe', fill: through((key) => dedupe.read(key)), read: (key) => dedupe.read(key) },
    {
      name: 'cachified',
      fill: (key, value) => readCachified(key, () => value),
      read: (key) => readCachified(key, loader),
    },
  ];
}
