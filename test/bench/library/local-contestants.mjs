// Contestants of L1 behind a little face: `fill(key, value)`, then `read(key)` loads nothing.
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { LRUCache } from 'lru-cache';
import { peer } from '../common/peers.mjs';

const require = createRequire(import.meta.url);

export const KEYS = 10_000;
const HOUR_MS = 3_600_000;
const loader = () => Promise.reject(new Error('a warm cache loads nothing'));

/** How each is opened, by its name in the table. A process loads the package of its own contestant alone. */
export const LOCAL = {
  'Map, await': () => byHand(new Map(), (map) => async (key) => map.get(key)),
  'Map, await, two clocks': () =>
    byHand(new Map(), (map) => async (key) => Date.now() + performance.now() > 0 && map.get(key)),
  'lru-cache with ttl, await': () =>
    byHand(new LRUCache({ max: KEYS * 2, ttl: HOUR_MS }), (lru) => async (key) => lru.get(key)),
  'cache-manager get': () => manager((cache) => (key) => cache.get(key)),
  'cache-manager wrap': () => manager((cache) => (key) => cache.wrap(key, loader)),
  'cacheable getOrSet': cacheable,
  'layered-loader get': () => other('layered-loader get'),
  'async-cache-dedupe': () => other('async-cache-dedupe'),
  cachified: () => other('cachified'),
  'bentocache getOrSet': bento,
  'Strata get, lease held': () => strata('acknowledged', (cache) => (key) => cache.get(key)),
  'Strata getOrSet, mode off': () => strata('off', (cache) => (key) => cache.getOrSet(key, loader)),
  'Strata getOrSet, lease held': () => strata('acknowledged', (cache) => (key) => cache.getOrSet(key, loader)),
  'Strata peek, lease held': () => ({ ...strata('acknowledged', (cache) => (key) => cache.peek(key)), isSync: true }),
};

const byHand = (cache, reader) => ({ fill: (key, value) => cache.set(key, value), read: reader(cache) });

async function manager(reader) {
  const { createCache } = await import('cache-manager');
  return byHand(createCache({ ttl: HOUR_MS }), reader);
}

async function cacheable() {
  const { Cacheable } = await import('cacheable');
  return byHand(new Cacheable({ ttl: HOUR_MS }), (cache) => (key) => cache.getOrSet(key, loader));
}

async function bento() {
  const { BentoCache, bentostore } = await import('bentocache');
  const { memoryDriver } = await import('bentocache/drivers/memory');
  const memory = bentostore().useL1Layer(memoryDriver({ maxItems: KEYS * 2 }));
  const cache = new BentoCache({ default: 'memory', ttl: HOUR_MS, stores: { memory } });
  return {
    fill: (key, value) => cache.set({ key, value }),
    read: (key) => cache.getOrSet({ key, factory: loader }),
  };
}

function strata(coherence, reader) {
  const { cache } = openStrata(coherence);
  return { fill: (key, value) => cache.getOrSet(key, () => value), read: reader(cache) };
}

async function other(name) {
  return (await openOthers()).find((one) => one.name === name);
}

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
