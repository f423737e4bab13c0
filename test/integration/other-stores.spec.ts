import { createCache } from 'cache-manager';
import { redisStore } from 'cache-manager-ioredis-yet';
import type { Redis } from 'ioredis';
import { Keyv } from 'keyv';
import { CacheBackend, keyValueStore, type KeyValueStore, type TieredCache } from '@strata/cache';
import { Gate } from '@strata/cache/testing';
import { eventually } from '../support/eventually';
import { RedisServer } from '../support/redis-server';

/** Stores that others have made, each the L2 of two instances. */
describe('other stores as L2', () => {
  let redis: RedisServer;
  const closing: (() => unknown)[] = [];

  beforeAll(async () => (redis = await RedisServer.start()));
  afterAll(async () => {
    await Promise.all(closing.map((close) => close()));
    await redis.stop();
  });

  const stores: Record<string, () => Promise<KeyValueStore>> = {
    Keyv: async () => keyValueStore(new Keyv({ store: new Map() })),
    'a cache of cache-manager': async () => keyValueStore(createCache({ stores: [new Keyv({ store: new Map() })] })),
    'cache-manager-ioredis-yet': async () => {
      // Its types were written for cache-manager 5 and miss `get` and `set`.
      type Actual = Parameters<typeof keyValueStore>[0] & { client: Redis };
      const store = (await redisStore({ port: redis.port })) as unknown as Actual;
      closing.push(() => store.client.disconnect());
      return keyValueStore(store);
    },
  };

  describe.each(Object.entries(stores))('%s', (_name, open) => {
    let a: TieredCache;
    let b: TieredCache;
    let backend: CacheBackend;
    let store: KeyValueStore;

    beforeAll(async () => (store = await open()));
    beforeEach(async () => {
      const make = (): Promise<CacheBackend> => CacheBackend.create({ store, defaults: { localTtl: 0 } });
      backend = await make();
      a = backend.cache('test');
      b = (await make()).cache('test');
      await a.clear();
    });

    const load = async (value: unknown, tags: string[] = []): Promise<void> => {
      await a.getOrSet('k', () => value, { tags });
      await a.settled();
    };

    it('gives one instance what another has loaded', async () => {
      await load({ n: 1 }, ['t']);
      expect(await b.fetch('k', () => 'x', { tags: ['t'] })).toMatchObject({ source: 'L2', value: { n: 1 } });
      expect(await b.get('k')).toEqual({ n: 1 });
    });

    it.each<[string, () => Promise<unknown>]>([
      ['its key', () => b.delete('k')],
      ['its tag', () => backend.strata.invalidateTags(['t'])],
      ['its cache', () => a.clear()],
      ['everything', () => backend.strata.clear()],
    ])('serves nothing whose invalidation named %s', async (_what, invalidate) => {
      await load('old', ['t']);
      await invalidate();
      expect(await a.get('k')).toBeUndefined();
      expect(await b.getOrSet('k', () => 'new', { tags: ['t'] })).toBe('new');
    });

    it.each([[['t']], [[]]])(
      'a value loaded before an invalidation never becomes a hit (declared: %j)',
      async (tags) => {
        const gate = new Gate();
        const slow = a.getOrSet(
          'k',
          async ({ addTags }) => {
            addTags('t');
            await gate.pass();
            return 'old';
          },
          { tags },
        );
        await gate.reached;
        await backend.strata.invalidateTags(['t']);
        gate.release();
        expect(await slow).toBe('old');
        await a.settled();
        expect(await b.getOrSet('k', () => 'new')).toBe('new');
      },
    );

    it('keeps a value learnt tag and all when nothing was invalidated (the control)', async () => {
      await a.getOrSet('k', ({ addTags }) => (addTags('t'), 'v'));
      await a.settled();
      expect((await b.fetch('k', () => 'x')).source).toBe('L2');
    });

    it('set replaces the value for everybody', async () => {
      await load('old');
      await b.set('k', 'new');
      expect(await a.get('k')).toBe('new');
    });

    it('ends with the remaining life of the entry', async () => {
      await a.getOrSet('k', () => 1, { ttl: 150 });
      await a.settled();
      expect(await b.get('k')).toBe(1);
      await eventually(async () => (await b.get('k')) === undefined);
    });

    it('keeps text as it is that the store would revive as a function or a date', async () => {
      const value = { name: '_function_x|() => 1', when: '_date_2020', plain: '{"m":1}' };
      await a.set('k', value);
      expect(await b.get('k')).toEqual(value);
      await a.set('k', '_function_x|() => 1');
      expect(await b.get('k')).toBe('_function_x|() => 1');
    });
  });

  describe('a store that fails', () => {
    const inner = new Map<string, string>();
    let failing = false;
    let hanging = false;
    const store: KeyValueStore = {
      get: async (key) => answer(() => inner.get(key)),
      set: async (key, text) => answer(() => void inner.set(key, text)),
    };
    const answer = async <R>(run: () => R): Promise<R> => {
      if (hanging) await new Promise(() => undefined);
      if (failing) throw new Error('down');
      return run();
    };

    afterEach(() => {
      failing = hanging = false;
    });

    it('costs reads their cache and no error; what was deleted meanwhile never comes back', async () => {
      const backend = await CacheBackend.create({ store, defaults: { localTtl: 0 } });
      const cache = backend.cache('test');
      await cache.set('k', 'old');
      failing = true;
      expect(await cache.getOrSet('k', () => 'loaded')).toBe('loaded');
      expect(await cache.delete('k')).toMatchObject({ deferred: true });
      failing = false;
      expect(await cache.get('k')).toBeUndefined();
      await eventually(() => backend.strata.deferredTags === 0);
      expect(await cache.get('k')).toBeUndefined();
      await backend.close();
    });

    it('is asked for half a second and then left alone', async () => {
      const backend = await CacheBackend.create({ store, defaults: { localTtl: 0 } });
      const cache = backend.cache('test');
      hanging = true;
      expect(await cache.getOrSet('k', () => 'loaded')).toBe('loaded');
      expect(backend.strata.remote.available).toBe(false);
      await backend.close();
    });
  });

  it('keeps a thousand keys that were set at once', async () => {
    const store = keyValueStore(new Keyv({ store: new Map() }));
    const [a, b] = [await CacheBackend.create({ store }), await CacheBackend.create({ store })];
    const entries = new Map(Array.from({ length: 1_000 }, (_, i) => [`k${i}`, i] as const));
    await a.cache('test').setMany(entries);
    expect(await b.cache('test').getMany([...entries.keys()])).toEqual(entries);
  });

  it('refuses Redis and another store at once', async () => {
    const store = keyValueStore(new Keyv({ store: new Map() }));
    await expect(CacheBackend.create({ store, redis: { url: redis.url } })).rejects.toMatchObject({
      code: 'INVALID_OPTIONS',
    });
  });
});
