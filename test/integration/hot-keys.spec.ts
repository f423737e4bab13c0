import { redisDriver } from '@strata/cache/redis';
import { CacheBackend } from '@strata/cache';
import { openRedisClient } from '../../libs/cache/src/interop/ioredis-yet';
import { Gate } from '@strata/cache/testing';
import { eventually } from '../support/eventually';
import { RedisServer } from '../support/redis-server';

describe('hot keys in Redis', () => {
  let redis: RedisServer;
  beforeAll(async () => (redis = await RedisServer.start()));
  afterAll(() => redis.stop());
  beforeEach(() => redis.command((client) => client.flushall()));

  async function open(namespace = 'ns') {
    const clients = {
      commands: await openRedisClient({ url: redis.url }),
      subscriber: await openRedisClient({ url: redis.url }),
    };
    const driver = redisDriver(clients, { namespace, timeoutMs: 2_000 });
    await driver.link.ready(2_000);
    return driver;
  }
  const bounds = { keep: 3, halfLifeMs: 1_000 };

  it('adds up what instances tell, keeps the hottest, tells them in order', async () => {
    const [one, two] = [await open(), await open()];
    await one.hotKeys.add(
      'c',
      [
        { key: 'a', heat: 5 },
        { key: 'b', heat: 3 },
      ],
      { keep: 3, halfLifeMs: 1e9 },
    );
    await two.hotKeys.add(
      'c',
      [
        { key: 'b', heat: 4 },
        { key: 'c', heat: 1 },
        { key: 'd', heat: 2 },
      ],
      { keep: 3, halfLifeMs: 1e9 },
    );
    await expect(two.hotKeys.hottest('c', 10)).resolves.toEqual(['b', 'a', 'd']);
    await expect(two.hotKeys.hottest('c', 1)).resolves.toEqual(['b']);
    await expect(two.hotKeys.hottest('c', 0)).resolves.toEqual([]);
    await expect(two.hotKeys.hottest('other', 10)).resolves.toEqual([]);
    one.close();
    two.close();
  });

  /** As if the first add had happened so long ago. */
  const age = (ms: number) =>
    redis.command(async (client) => {
      const origin = Number(await client.get('{ns}:hot-origin:c'));
      await client.set('{ns}:hot-origin:c', String(origin - ms));
    });

  it('lets old heat fade: after two half-lives a look-up counts a quarter', async () => {
    const driver = await open();
    await driver.hotKeys.add('c', [{ key: 'old', heat: 40 }], { keep: 3, halfLifeMs: 600_000 });
    await age(1_200_000);
    await driver.hotKeys.add('c', [{ key: 'new', heat: 11 }], { keep: 3, halfLifeMs: 600_000 });
    await expect(driver.hotKeys.hottest('c', 2)).resolves.toEqual(['new', 'old']);
    await driver.hotKeys.add('c', [{ key: 'old', heat: 2 }], { keep: 3, halfLifeMs: 600_000 });
    await expect(driver.hotKeys.hottest('c', 2)).resolves.toEqual(['old', 'new']);
    driver.close();
  });

  it('goes on for ever: scores are brought back before they leave the range of numbers', async () => {
    const driver = await open();
    await driver.hotKeys.add('c', [{ key: 'ancient', heat: 1e9 }], bounds);
    for (let round = 0; round < 4; round++) {
      await age(499_000);
      await driver.hotKeys.add('c', [{ key: `round ${round}`, heat: 1 }], bounds);
    }
    await expect(driver.hotKeys.hottest('c', 1)).resolves.toEqual(['round 3']);
    const scores = await redis.command((client) => client.zrange('{ns}:hot:c', 0, -1, 'WITHSCORES'));
    for (const score of scores.filter((_, index) => index % 2 === 1)) expect(Number.isFinite(Number(score))).toBe(true);
    driver.close();
  });

  it('begins anew when Redis has lost what scores count from, and forgets what has faded', async () => {
    const driver = await open();
    const hour = { keep: 3, halfLifeMs: 3_600_000 };
    await driver.hotKeys.add('c', [{ key: 'old', heat: 1 }], hour);
    await age(50 * 3_600_000);
    await driver.hotKeys.add('c', [{ key: 'hot', heat: 1e6 }], hour);
    await expect(driver.hotKeys.hottest('c', 5)).resolves.toEqual(['hot']);
    await redis.command((client) => client.del('{ns}:hot-origin:c'));
    await driver.hotKeys.add('c', [{ key: 'new', heat: 5 }], hour);
    await expect(driver.hotKeys.hottest('c', 5)).resolves.toEqual(['new']);
    driver.close();
  });

  it('takes a thousand keys, and keeps as many as it is told to', async () => {
    const driver = await open();
    const hot = Array.from({ length: 1_234 }, (_, n) => ({ key: `key ${n}`, heat: n + 1 }));
    await driver.hotKeys.add('c', hot, { keep: 1_000, halfLifeMs: 1e9 });
    const hottest = await driver.hotKeys.hottest('c', 2_000);
    expect([hottest.length, hottest[0], hottest.at(-1)]).toEqual([1_000, 'key 1233', 'key 234']);
    driver.close();
  });

  it('is forgotten after a week without reads', async () => {
    const driver = await open();
    await driver.hotKeys.add('c', [{ key: 'a', heat: 1 }], bounds);
    const lives = await redis.command((client) =>
      Promise.all(['hot', 'hot-origin'].map((n) => client.pttl(`{ns}:${n}:c`))),
    );
    for (const life of lives) expect(Math.round(life / 86_400_000)).toBe(7);
    driver.close();
  });

  it('keeps a start waiting no longer than readyWithin, and goes on behind', async () => {
    const settings = { redis: { url: redis.url }, namespace: 'slow', redisTimeoutMs: 2_000, leaseMs: 500 };
    const first = await CacheBackend.create(settings);
    await first.start();
    await first.cache('items').getOrSet('a', () => 'A');
    await first.cache('items').settled();
    await first.close();
    await redis.command(async (client) => client.del('slow:entry:items:a', ...(await client.keys('*entry*'))));
    const second = await CacheBackend.create({ ...settings, warm: { readyWithin: 30 } });
    const gate = new Gate();
    const items = second.cache<string>('items');
    second.warmer!.register<string>('items', () => ({
      loader: async () => {
        await gate.pass();
        return 'A again';
      },
    }));
    // Would hang for ever if the start waited for the load.
    await second.start();
    expect(second.warmer!.progress).toMatchObject({ state: 'running', known: 1, loaded: 0 });
    gate.release();
    await eventually(() => second.warmer!.progress.state === 'done');
    expect(items.peek('a')).toBe('A again');
    await second.close();
  });
});
