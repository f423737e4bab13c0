// Contestants with Redis behind a little face, each set up as its own documentation shows:
//   get(key)        from Redis, past its L1
//   load(key, load) `getOrSet` through all its tiers
//   forget()        drops its L1, where `get` would be answered from there
import KeyvRedis, { createClient } from '@keyv/redis';
import { BentoCache, bentostore } from 'bentocache';
import { memoryDriver } from 'bentocache/drivers/memory';
import { redisDriver } from 'bentocache/drivers/redis';
import { createCache } from 'cache-manager';
import { Cacheable } from 'cacheable';
import { Redis } from 'ioredis';
import { Keyv } from 'keyv';
import { strata } from '../../peers/contestants.mjs';
import { peer } from '../common/peers.mjs';

const TTL_MS = 600_000;
const silent = () => undefined;
const parsed = (text) => (text === null ? undefined : JSON.parse(text));

export const REMOTE = {
  ioredis: plainIoredis,
  'node-redis': plainNodeRedis,
  'async-cache-dedupe': asyncCacheDedupe,
  'layered-loader': layeredLoader,
  cachified,
  'cache-manager': cacheManager,
  cacheable,
  bentocache: bento,
  Strata: strataWithValidity,
};

/** Those that load once for all callers of a process, or say that they do. */
export const COALESCING = Object.keys(REMOTE).filter((name) => !/redis/.test(name));

function byHand(read, write, close) {
  const kept = new Map();
  const load = async (key, run) => {
    const found = parsed(await read(key));
    if (found !== undefined) return found;
    const value = await run();
    kept.set(key, value);
    await write(key, JSON.stringify(value));
    return value;
  };
  return { get: async (key) => parsed(await read(key)), load, close };
}

async function plainIoredis(port) {
  const redis = new Redis(port);
  return byHand(
    (key) => redis.get(key),
    (key, text) => redis.set(key, text, 'PX', TTL_MS),
    () => redis.quit(),
  );
}

async function plainNodeRedis(port) {
  const redis = await createClient({ url: `redis://127.0.0.1:${port}` }).connect();
  return byHand(
    (key) => redis.get(`n:${key}`),
    (key, text) => redis.set(`n:${key}`, text, { PX: TTL_MS }),
    () => redis.close(),
  );
}

async function asyncCacheDedupe(port) {
  const { createCache: create } = await peer('async-cache-dedupe');
  const client = new Redis(port, { keyPrefix: 'acd:' });
  const loads = new Map();
  const cache = create({ ttl: TTL_MS / 1_000, storage: { type: 'redis', options: { client } } });
  cache.define('read', (key) => loads.get(key)?.());
  const load = (key, run) => {
    loads.set(key, run);
    return cache.read(key).finally(() => loads.delete(key));
  };
  return { get: (key) => cache.read(key), load, close: () => client.quit() };
}

async function layeredLoader(port) {
  const { Loader, RedisCache } = await peer('layered-loader');
  const redis = new Redis(port);
  const loads = new Map();
  const open = (inMemoryCache) =>
    new Loader({
      ...(inMemoryCache && { inMemoryCache: { cacheType: 'lru-map', ttlInMsecs: TTL_MS, maxItems: 100_000 } }),
      asyncCache: new RedisCache(redis, { json: true, ttlInMsecs: TTL_MS, prefix: 'layered' }),
      dataSourceGetOneFn: async (key) => loads.get(key)?.(),
    });
  const [both, remote] = [open(true), open(false)];
  const load = (key, run) => {
    loads.set(key, run);
    return both.get(key).finally(() => loads.delete(key));
  };
  return { get: (key) => remote.get(key), load, close: () => redis.quit() };
}

async function cachified(port) {
  const { cachified: read } = await peer('@epic-web/cachified');
  const redis = new Redis(port, { keyPrefix: 'cachified:' });
  const cache = {
    get: async (key) => parsed(await redis.get(key)) ?? null,
    set: (key, entry) => redis.set(key, JSON.stringify(entry), 'PX', TTL_MS),
    delete: (key) => redis.del(key),
  };
  const load = (key, run) => read({ key, cache, ttl: TTL_MS, getFreshValue: run });
  return { get: (key) => load(key, silent), load, close: () => redis.quit() };
}

async function cacheManager(port) {
  const remote = () => new Keyv({ store: new KeyvRedis(`redis://127.0.0.1:${port}`), namespace: 'cm' });
  const [both, far] = [
    createCache({ stores: [new Keyv(), remote()], ttl: TTL_MS }),
    createCache({ stores: [remote()], ttl: TTL_MS }),
  ];
  const close = () => Promise.all([both.disconnect(), far.disconnect()]);
  return { get: (key) => far.get(key), load: (key, run) => both.wrap(key, run), close };
}

async function cacheable(port) {
  const cache = new Cacheable({ secondary: new KeyvRedis(`redis://127.0.0.1:${port}`), ttl: TTL_MS });
  cache.on('error', silent);
  return {
    get: (key) => cache.get(key),
    forget: () => cache.primary.clear(),
    load: (key, run) => cache.getOrSet(key, run),
    close: () => cache.disconnect(),
  };
}

async function bento(port) {
  const far = () => redisDriver({ connection: { host: '127.0.0.1', port } });
  const cache = new BentoCache({
    default: 'both',
    ttl: TTL_MS,
    stores: {
      both: bentostore()
        .useL1Layer(memoryDriver({ maxItems: 100_000 }))
        .useL2Layer(far()),
      far: bentostore().useL2Layer(far()),
    },
  });
  return {
    get: (key) => cache.use('far').get({ key }),
    load: (key, run) => cache.getOrSet({ key, factory: run }),
    close: () => cache.disconnectAll(),
  };
}

async function strataWithValidity(port) {
  const { cache, close } = await strata(port);
  return {
    get: (key) => cache.get(key),
    forget: () => cache.clearLocal(),
    load: (key, run) => cache.getOrSet(key, run),
    settled: () => cache.settled(),
    close,
  };
}
