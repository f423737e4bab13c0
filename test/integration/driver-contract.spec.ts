import { Redis } from 'ioredis';
import { systemClock } from '@strata/cache/core';
import { Names, RedisBus, RedisLink, RedisRemoteStore } from '@strata/cache/redis';
import { busContract, remoteStoreContract, type BusEnd } from '@strata/cache/testing';
import { openRedisClient } from '../../libs/cache/src/interop/ioredis-yet';
import { RedisServer } from '../support/redis-server';

describe('the Redis driver keeps the contracts of the ports', () => {
  let redis: RedisServer;
  let link: RedisLink;
  let namespaces = 0;
  const buses: RedisBus[] = [];

  beforeAll(async () => {
    redis = await RedisServer.start();
    const client = await openRedisClient({ url: redis.url });
    link = new RedisLink(client, { timeoutMs: 2_000 }, systemClock);
    void client.connect();
    await link.ready(2_000);
  });

  afterEach(async () => void (await Promise.all(buses.splice(0).map((bus) => bus.close()))));

  afterAll(async () => {
    link.close();
    await redis.stop();
  });

  it.each(remoteStoreContract.map(({ name, run }) => [name, run] as const))('store: %s', async (_name, run) => {
    await run(new RedisRemoteStore(link, new Names(`contract-${++namespaces}`)));
  });

  it('store: wishes of one turn keep their own terms, whatever they have in common', async () => {
    const store = new RedisRemoteStore(link, new Names('terms'));
    const lives = [60_000, 600_000, 60_000].map((tagTtlMs, i) => ({
      token: `${i}`.repeat(36),
      leaseMs: tagTtlMs / 10,
      tagTtlMs,
    }));
    const reads = lives.map((wish, i) => store.read(`c${i % 2}:k${i}`, [`k:${i}`, '*', `*:c${i % 2}`], 1_000, wish));
    expect((await Promise.all(reads)).map(({ grant }) => grant?.granted)).toEqual([true, true, true]);
    const client = new Redis(redis.url);
    for (const [i, { token, leaseMs, tagTtlMs }] of lives.entries()) {
      const [lease, tag] = [`{terms}:lease:c${i % 2}:k${i}`, `{terms}:tag:k:${i}`];
      expect(await client.get(lease)).toContain(token);
      for (const [name, ms] of [
        [lease, leaseMs],
        [tag, tagTtlMs],
      ] as const) {
        const left = await client.pttl(name);
        expect([name, left > ms / 2, left <= ms]).toEqual([name, true, true]);
      }
    }
    await client.quit();
  });

  it('store: without memory for a lease, a reader is told of the one that is held all the same', async () => {
    const store = new RedisRemoteStore(link, new Names('full'));
    const look = (i: number): Promise<unknown> =>
      store.read('c:k', ['k:c:k', '*'], 1_000, { token: `${i}`.repeat(36), leaseMs: 5_000, tagTtlMs: 60_000 });
    const client = new Redis(redis.url);
    expect(await look(1)).toMatchObject({ grant: { granted: true } });
    await client.config('SET', 'maxmemory', '1');
    try {
      expect(await look(2)).toMatchObject({ grant: { granted: false, filled: false } });
    } finally {
      await client.config('SET', 'maxmemory', '0');
      await client.quit();
    }
  });

  it.each(busContract.map(({ name, run }) => [name, run] as const))('bus: %s', async (_name, run) => {
    const names = new Names(`contract-${++namespaces}`);
    const remote = new RedisRemoteStore(link, names);
    await run(async (): Promise<BusEnd> => {
      const bus = new RedisBus(link, names);
      bus.use(await openRedisClient({ url: redis.url }));
      buses.push(bus);
      return { remote, bus };
    });
  });
});
