import { Redis } from 'ioredis';
import { Names, RedisBus, RedisRemoteStore, type RedisLink } from '@strata/cache/redis';
import { busContract, remoteStoreContract, type BusEnd } from '@strata/cache/testing';
import { openRedisClient } from '../../libs/cache/src/interop/ioredis-yet';
import { leaseIn } from '../support/load-lease';
import { openLink } from '../support/redis-link';
import { RedisServer } from '../support/redis-server';

describe('the Redis driver keeps the contracts of the ports', () => {
  let redis: RedisServer;
  let link: RedisLink;
  let namespaces = 0;
  const buses: RedisBus[] = [];

  beforeAll(async () => {
    redis = await RedisServer.start();
    link = await openLink(redis.url);
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
    const place = (i: number): string => `c${i % 2}:k${i}`;
    const tagsOf = (i: number): string[] => [`k:${place(i)}`, '*', `*:c${i % 2}`];
    const reads = lives.map((wish, i) => store.read(place(i), tagsOf(i), 1_000, wish));
    expect((await Promise.all(reads)).map(({ grant }) => grant?.granted)).toEqual([true, true, true]);
    const client = new Redis(redis.url);
    for (const [i, { token, leaseMs, tagTtlMs }] of lives.entries()) {
      const name = `{terms}:tag:k:${place(i)}`;
      const lease = leaseIn(await client.get(name));
      expect(lease.token).toBe(token);
      for (const [left, ms] of [
        [lease.heldUntil - Date.now(), leaseMs],
        [await client.pttl(name), tagTtlMs],
      ] as const)
        expect([i, left > ms / 2, left <= ms]).toEqual([i, true, true]);
    }
    await client.quit();
  });

  it('store: leave to load keeps each tag for as long as the longest of those who ask, on both ways', async () => {
    const store = new RedisRemoteStore(link, new Names('kept'));
    const client = new Redis(redis.url);
    const leave = (key: string, tagTtlMs: number) => ({ token: key.padEnd(36, '-'), leaseMs: 1_000, tagTtlMs });
    const look = (key: string, ms: number) => store.read(key, [`k:${key}`, 't:shared', '*'], 1_000, leave(key, ms));
    const grant = (key: string, ms: number) =>
      store.grant({ key, tags: [`k:${key}`, 't:shared', '*'], takeOver: true, ...leave(key, ms) });
    const left = async (tag: string): Promise<number> => Math.round((await client.pttl(`{kept}:tag:${tag}`)) / 1_000);
    await Promise.all([look('a', 10_000), look('b', 30_000), look('c', 20_000)]);
    expect([await left('k:a'), await left('k:b'), await left('t:shared')]).toEqual([10, 30, 30]);
    await look('d', 20_000);
    expect(await left('t:shared')).toBe(30);
    await look('e', 40_000);
    expect(await left('t:shared')).toBe(40);
    await grant('f', 20_000);
    expect(await left('t:shared')).toBe(40);
    await grant('g', 50_000);
    expect([await left('k:g'), await left('t:shared')]).toEqual([50, 50]);
    await client.quit();
  });

  it('store: fills of one turn look at the tags that nobody has settled, and at no others', async () => {
    const [names, client] = [new Names('settled'), new Redis(redis.url)];
    const store = new RedisRemoteStore(link, names);
    const settledOf = [0, 1, 2, 3, 3, 3];
    const born = await store.grant({
      ...{ key: 'k', tags: ['*'], token: '-'.repeat(36), takeOver: false },
      ...{ leaseMs: 1_000, tagTtlMs: 60_000 },
    });
    // A list where an entry goes, and one where the tag of a key was: of the one item alone, and of none.
    await client.lpush(names.entry('k4'), 'x');
    await client.lpush(names.lease('k5'), 'x');
    const fills = settledOf.map((settled, i) =>
      store.fill({
        ...{ key: `k${i}`, bytes: Buffer.alloc(64, i), born, tags: [`k:k${i}`, '*', `t:${i}`], ttlMs: 60_000 },
        ...{ token: `${i}`.repeat(36), settled, wasAbsent: i % 2 === 0 },
      }),
    );
    const outcomes = await Promise.allSettled(fills);
    expect(
      outcomes.map((one) => (one.status === 'fulfilled' ? one.value : /WRONGTYPE/.test(String(one.reason)))),
    ).toEqual(Array(6).fill(true));
    expect(outcomes.map(({ status }) => status).indexOf('rejected')).toBe(4);
    const known = async (tag: string): Promise<boolean> => (await client.exists(names.tag(tag))) === 1;
    for (const [i, settled] of settledOf.entries()) {
      expect([i, await known(`k:k${i}`), await known(`t:${i}`)]).toEqual([i, settled < 1 || i === 5, settled < 3]);
      if (i !== 4) expect(await client.getBuffer(names.entry(`k${i}`))).toEqual(Buffer.alloc(64, i));
    }
    await client.quit();
  });

  it('store: without memory a reader is told of the lease that is held all the same, and a fill fails', async () => {
    const store = new RedisRemoteStore(link, new Names('full'));
    const look = (i: number): Promise<unknown> =>
      store.read('c:k', ['k:c:k', '*'], 1_000, { token: `${i}`.repeat(36), leaseMs: 5_000, tagTtlMs: 60_000 });
    const client = new Redis(redis.url);
    const [tags, bytes, born] = [['k:c:k'], Buffer.alloc(64), { epoch: '0'.repeat(16), seq: 1 }];
    const fill = (wasAbsent: boolean): Promise<boolean> =>
      store.fill({ key: 'c:l', bytes, born, tags, ttlMs: 60_000, token: undefined, settled: 1, wasAbsent });
    expect(await look(1)).toMatchObject({ grant: { granted: true } });
    // A script that has written something already may go on: so what it opens has to be there.
    expect(await fill(true)).toBe(true);
    await client.config('SET', 'maxmemory', '1');
    try {
      expect(await look(2)).toMatchObject({ grant: { granted: false, filled: false } });
      for (const wasAbsent of [true, false]) await expect(fill(wasAbsent)).rejects.toThrow('OOM');
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
