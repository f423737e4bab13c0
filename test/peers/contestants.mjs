// Strata and other caches behind one little face: `read(key, load)`, `invalidate(key)`, `close()`.
// Each is set up as its own documentation does for several instances, with its defaults wherever it has one.
import { createRequire } from 'node:module';
import { join } from 'node:path';
import KeyvRedis from '@keyv/redis';
import { BentoCache, bentostore } from 'bentocache';
import { memoryDriver } from 'bentocache/drivers/memory';
import { redisBusDriver, redisDriver as bentoRedis } from 'bentocache/drivers/redis';
import { Cacheable } from 'cacheable';
import { createCache } from 'cache-manager';
import { Redis } from 'ioredis';
import { Keyv } from 'keyv';

const require = createRequire(import.meta.url);
const dist = join(process.cwd(), 'dist/libs/cache/src');
const TTL_MS = 600_000;
const silent = () => undefined;

/** @returns one instance of Strata on the Redis of that port */
export async function strata(port, { timeoutMs = 2_000, leaseMs = 2_000, coherence = 'acknowledged' } = {}) {
  const { Strata, systemClock } = require(join(dist, 'core/index.js'));
  const { LruLocalStore } = require(join(dist, 'drivers/memory/lru-local-store.js'));
  const { redisDriver } = require(join(dist, 'drivers/redis/index.js'));
  const { openRedisClient } = require(join(dist, 'interop/ioredis-yet.js'));
  const target = { url: `redis://127.0.0.1:${port}` };
  const clients = { commands: await openRedisClient(target), subscriber: await openRedisClient(target) };
  const driver = redisDriver(clients, { namespace: 'peers', timeoutMs });
  const instance = new Strata({
    remote: driver.remote,
    bus: driver.bus,
    createLocalStore: (bounds, listener) => new LruLocalStore(bounds, listener, systemClock),
    coherence,
    leaseMs,
  });
  await driver.link.ready(2_000);
  await instance.start();
  const cache = instance.cache('peers', { ttl: TTL_MS });
  return {
    instance,
    cache,
    driver,
    read: (key, load) => cache.getOrSet(key, load),
    invalidate: (key) => cache.delete(key),
    close: async () => {
      await instance.close();
      driver.close();
    },
  };
}

async function bento(port) {
  const connection = { host: '127.0.0.1', port };
  const cache = new BentoCache({
    default: 'two',
    stores: {
      two: bentostore()
        .useL1Layer(memoryDriver({ maxItems: 100_000 }))
        .useL2Layer(bentoRedis({ connection }))
        .useBus(redisBusDriver({ connection })),
    },
  });
  await cache.set({ key: 'warm-up', value: 1, ttl: TTL_MS });
  return {
    read: (key, load) => cache.getOrSet({ key, factory: load, ttl: TTL_MS }),
    invalidate: (key) => cache.delete({ key }),
    close: () => cache.disconnectAll(),
  };
}

async function cacheable(port) {
  const secondary = new KeyvRedis(`redis://127.0.0.1:${port}`);
  const cache = new Cacheable({ secondary, ttl: TTL_MS });
  cache.on('error', silent);
  await cache.set('warm-up', 1);
  return {
    read: (key, load) => cache.getOrSet(key, load, { ttl: TTL_MS }),
    invalidate: (key) => cache.delete(key),
    close: () => cache.disconnect(),
  };
}

async function cacheManager(port) {
  const remote = new Keyv({ store: new KeyvRedis(`redis://127.0.0.1:${port}`) });
  remote.on('error', silent);
  const cache = createCache({ stores: [new Keyv(), remote], ttl: TTL_MS });
  await cache.set('warm-up', 1);
  return {
    read: (key, load) => cache.wrap(key, load),
    invalidate: (key) => cache.del(key),
    close: () => cache.disconnect(),
  };
}

/** What people write by hand: read Redis, load, store. No L1. */
async function plainRedis(port) {
  const redis = new Redis(port);
  redis.on('error', silent);
  return {
    read: async (key, load) => {
      const text = await redis.get(key);
      if (text !== null) return JSON.parse(text);
      const value = await load();
      await redis.set(key, JSON.stringify(value), 'PX', TTL_MS);
      return value;
    },
    invalidate: (key) => redis.del(key),
    close: async () => redis.disconnect(),
  };
}

/** Name in tables → opens one instance. */
export const CONTESTANTS = {
  Strata: strata,
  'bentocache (memory, Redis, bus)': bento,
  'cacheable (memory, Redis)': cacheable,
  'cache-manager (memory, Redis)': cacheManager,
  'ioredis by hand (Redis)': plainRedis,
};
