// L2: hits one at a time and 64 at a time, misses that are stored in both tiers, a stampede in four processes.
import { fork } from 'node:child_process';
import { once } from 'node:events';
import KeyvRedis, { createClient } from '@keyv/redis';
import { createCache } from 'cache-manager';
import { Redis } from 'ioredis';
import { Keyv } from 'keyv';
import { strata } from '../../peers/contestants.mjs';
import { startRedis } from '../../peers/redis.mjs';
import { interleaved, perSecond, product } from '../common/rounds.mjs';
import { table } from '../common/report.mjs';

const KEYS = 2_000;
const TTL_MS = 600_000;
const keys = Array.from({ length: KEYS }, (_, i) => `product:${i}`);

export async function remoteTier({ rounds, operations }) {
  const server = await startRedis();
  const contestants = await open(server.port);
  const read = (lanes, count) => (one) => ({ name: one.name, run: () => hits(one, lanes, count) });
  const single = await interleaved(contestants.map(read(1, operations / 4)), rounds);
  const many = await interleaved(contestants.map(read(64, operations)), rounds);
  const store = await interleaved(
    contestants.map((one) => ({ name: one.name, run: () => misses(one, operations / 4) })),
    rounds,
  );
  const row = (rates) =>
    [...rates].map(([name, rate]) => [name, (rate / rates.get('ioredis')).toFixed(2), Math.round(rate)]);
  const columns = ['contestant', 'of ioredis', 'ops/s'];
  const tables = [
    table('L2 hit, 1 at a time', columns, row(single)),
    table('L2 hit, 64 at a time', columns, row(many)),
    table('miss, stored in both tiers, 64 at a time', columns, row(store)),
    await stampede(server.port),
  ];
  for (const { close } of contestants) await close();
  await server.stop();
  return tables;
}

/** `lanes` readers at a time; what L1 has learnt is dropped before each pass over the keys. */
async function hits({ get, forget }, lanes, count) {
  const startedAt = performance.now();
  for (let done = 0; done < count; done += KEYS) {
    forget?.();
    await inLanes(lanes, keys, async (key) => {
      if ((await get(key)) === undefined) throw new Error('not in L2');
    });
  }
  return perSecond(Math.ceil(count / KEYS) * KEYS, startedAt);
}

let fresh = 0;

async function misses({ load, settled }, count) {
  const unseen = Array.from({ length: count }, () => `fresh:${fresh++}`);
  const startedAt = performance.now();
  await inLanes(64, unseen, load);
  await settled?.();
  return perSecond(count, startedAt);
}

async function inLanes(lanes, list, work) {
  let next = 0;
  const lane = async () => {
    while (next < list.length) await work(list[next++]);
  };
  await Promise.all(Array.from({ length: lanes }, lane));
}

async function open(port) {
  const ioredis = new Redis({ port });
  const node = await createClient({ url: `redis://127.0.0.1:${port}` }).connect();
  const remote = new Keyv({ store: new KeyvRedis(`redis://127.0.0.1:${port}`), namespace: 'cm' });
  const manager = createCache({ stores: [remote], ttl: TTL_MS });
  const own = await strata(port);
  for (const [i, key] of keys.entries()) {
    const text = JSON.stringify(product(i));
    await ioredis.set(key, text);
    await manager.set(key, product(i));
    await own.cache.getOrSet(key, () => product(i));
  }
  await own.cache.settled();
  const local = new Map();
  const kept = (key, value) => void local.set(key, value);
  const parsed = (text) => (text === null ? undefined : JSON.parse(text));
  return [
    {
      name: 'ioredis',
      get: async (key) => parsed(await ioredis.get(key)),
      load: async (key) => {
        if ((await ioredis.get(key)) === null) await ioredis.set(key, JSON.stringify(product(1)), 'PX', TTL_MS);
        kept(key, product(1));
      },
      close: () => ioredis.quit(),
    },
    {
      name: 'node-redis',
      get: async (key) => parsed(await node.get(key)),
      load: async (key) => {
        if ((await node.get(key)) === null) await node.set(key, JSON.stringify(product(1)), { PX: TTL_MS });
        kept(key, product(1));
      },
      close: () => node.close(),
    },
    {
      name: 'cache-manager, Redis',
      get: (key) => manager.get(key),
      load: (key) => manager.wrap(key, async () => product(1)),
      close: () => manager.disconnect(),
    },
    {
      name: 'Strata, with validity',
      get: (key) => own.cache.get(key),
      load: (key) => own.cache.getOrSet(key, () => product(1)),
      forget: () => own.cache.clearLocal(),
      settled: () => own.cache.settled(),
      close: own.close,
    },
  ];
}

/** 4 × 250 callers of one cold key; each process is an instance. */
async function stampede(port) {
  const file = new URL('stampede-child.mjs', import.meta.url);
  const children = Array.from({ length: 4 }, () => fork(file, [String(port)]));
  await Promise.all(children.map((child) => once(child, 'message')));
  for (const child of children) child.send('go');
  const loads = (await Promise.all(children.map((child) => once(child, 'message')))).map(([count]) => count);
  const total = loads.reduce((sum, count) => sum + count, 0);
  return table('stampede, 4 processes × 250 callers of one key', ['contestant', 'loads'], [['Strata', total]]);
}
