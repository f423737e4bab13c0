import calculateSlot from 'cluster-key-slot';
import { CacheBackend } from '@strata/cache';
import { Names, redisClusterDriver, type RedisDriver } from '@strata/cache/redis';
import { busContract, remoteStoreContract } from '@strata/cache/testing';
import { openRedisClient } from '../../libs/cache/src/interop/ioredis-yet';
import { eventually } from '../support/eventually';
import { RedisCluster } from '../support/redis-cluster';
import { RedisServer } from '../support/redis-server';

/** Namespaces whose `head` is in the slots of the first master, one for each test. */
const namespaces = Array.from({ length: 200 }, (_, i) => `test${i}`).filter(
  (name) => calculateSlot(new Names(name).head) < 5_000,
);

const silent = {
  lost: () => undefined,
  invalidation: () => undefined,
  acknowledged: () => undefined,
  echo: () => undefined,
};

describe('Redis Cluster', () => {
  let cluster: RedisCluster;
  let namespace: string;
  const open: CacheBackend[] = [];

  const start = async (onBreakerChange?: (state: string, reason: string) => void): Promise<CacheBackend> => {
    const redis = { cluster: { addresses: cluster.addresses } };
    const timing = { redisTimeoutMs: 1_000, leaseMs: 500 };
    const listener = onBreakerChange === undefined ? {} : { onBreakerChange };
    const backend = await CacheBackend.create({ redis, namespace, ...timing, ...listener });
    open.push(backend);
    await backend.start();
    await eventually(() => backend.redis.connected && backend.strata.state.leaseHeld);
    return backend;
  };

  beforeAll(async () => (cluster = await RedisCluster.start()), 60_000);
  beforeEach(() => (namespace = namespaces.pop()!));
  afterEach(async () => void (await Promise.all(open.splice(0).map((backend) => backend.close()))));
  afterAll(() => cluster.stop());

  describe('keeps the contracts of the ports', () => {
    let opened = 0;
    const drivers: RedisDriver[] = [];
    const openDriver = async (name: string): Promise<RedisDriver> => {
      const driver = redisClusterDriver(cluster.addresses, (node) => openRedisClient({ node }), {
        namespace: name,
        timeoutMs: 2_000,
      });
      drivers.push(driver);
      await driver.link.ready(5_000);
      return driver;
    };

    beforeEach(() => (namespace = `contract-${++opened}`));
    afterEach(async () => {
      for (const driver of drivers.splice(0)) {
        await driver.bus.close();
        driver.close();
      }
    });

    it.each(remoteStoreContract.map(({ name, run }) => [name, run] as const))('store: %s', async (_name, run) => {
      await run((await openDriver(namespace)).remote);
    });

    it.each(busContract.map(({ name, run }) => [name, run] as const))('bus: %s', async (_name, run) => {
      await run(() => openDriver(namespace));
    });
  });

  it('a seed that knows no slots is asked once, and the others tell', async () => {
    const alone = await RedisServer.start('--cluster-enabled', 'yes');
    const addresses = [{ host: '127.0.0.1', port: alone.port }, ...cluster.addresses];
    const backend = await CacheBackend.create({ redis: { cluster: { addresses } }, namespace, redisTimeoutMs: 1_000 });
    open.push(backend);
    await backend.start();
    await eventually(() => backend.redis.connected);
    await backend.cache('test').set('k', 1);
    backend.cache('test').clearLocal();
    expect(await backend.cache('test').get('k')).toBe(1);
    await alone.stop();
  });

  it('a connection that cannot be opened is tried again, and nothing is left unhandled', async () => {
    let failures = 5;
    const openClient = (node: { host: string; port: number }) =>
      failures-- > 0 ? Promise.reject(new Error('no certificate yet')) : openRedisClient({ node });
    const driver = redisClusterDriver(cluster.addresses, openClient, { namespace, timeoutMs: 1_000 });
    let heard = 0;
    driver.bus.start('me', { ...silent, subscribed: () => heard++ });
    await eventually(() => driver.link.available && heard > 0);
    expect(failures).toBeLessThan(0);
    await driver.bus.close();
    driver.close();
  });

  it('spreads entries over the nodes and keeps the rest of a namespace in one slot', async () => {
    const { cache } = await reader();
    const keys = Array.from({ length: 60 }, (_, i) => `key:${i}{x}`);
    await cache.getOrSetMany(keys, (missing) => new Map(missing.map((key) => [key, key])));
    await cache.settled();
    const held = await Promise.all(
      cluster.masters.map((node) =>
        node.command(async (c) => (await c.keys(`*${namespace}*`)).map((name) => name.split(':')[1])),
      ),
    );
    const entries = held.map((kinds) => kinds.filter((kind) => kind === 'entry').length);
    expect(entries.reduce((a, b) => a + b)).toBe(60);
    // Braces in a key would have put all sixty into one slot.
    for (const count of entries) expect(count).toBeGreaterThan(5);
    expect(
      held
        .slice(1)
        .flat()
        .filter((kind) => kind !== 'entry'),
    ).toEqual([]);
    cache.clearLocal();
    const again = await cache.getMany(keys);
    expect(again.size).toBe(60);
    expect(cache.counters.remote.hits).toBe(60);
  });

  it('an invalidation reaches the other instance through the sharded bus before the write returns', async () => {
    const [a, b] = [await start(), await start()];
    await settledFleet(a);
    for (let i = 0; i < 20; i++) {
      let source = i;
      await b.cache('test').getOrSet('k', () => source, { tags: ['t'] });
      expect((await b.cache('test').fetch('k', () => -1, { tags: ['t'] })).source).toBe('L1');
      source = i + 1;
      expect(await a.strata.invalidateTags(['t'])).toMatchObject({ deferred: false });
      expect(await b.cache('test').getOrSet('k', () => source, { tags: ['t'] })).toBe(source);
    }
  });

  it('a hung node costs its own keys their cache, and the others nothing', async () => {
    const changes: string[] = [];
    const backend = await start((state, reason) => changes.push(`${state} ${reason}`));
    const cache = backend.cache('test');
    const keys = Array.from({ length: 40 }, (_, i) => `k${i}`);
    for (const key of keys) await cache.set(key, key);
    const hung = cluster.masters[2]!;
    hung.freeze();
    const sources = new Map<string, string>();
    for (const key of keys) {
      cache.clearLocal();
      sources.set(key, (await cache.fetch(key, () => key)).source);
    }
    const isHung = (key: string): boolean => calculateSlot(new Names(namespace).entry(`test:${key}`)) >= 10_922;
    for (const key of keys) expect([key, sources.get(key)]).toEqual([key, isHung(key) ? 'load' : 'L2']);
    expect(backend.strata.state.leaseHeld).toBe(true);
    expect(await cache.delete(keys[0]!)).toMatchObject({ deferred: false });
    expect(changes.filter((line) => line.startsWith('open'))).toEqual([expect.stringContaining(`:${hung.port}`)]);
    hung.thaw();
    await eventually(() => changes.some((line) => line.startsWith('closed') && line.includes(`:${hung.port}`)));
  });

  it('follows slots that move to another node', async () => {
    const backend = await start();
    await settledFleet(backend);
    const [from, to] = cluster.masters as [RedisCluster['replica'], RedisCluster['replica']];
    const id = (await to.command((c) => c.call('CLUSTER', 'MYID'))) as string;
    const slot = calculateSlot(new Names(namespace).head);
    const assign = ['SETSLOT', slot, 'NODE', id] as const;
    await to.command((c) => c.call('CLUSTER', ...assign));
    // In one go: a heartbeat in between would write head again, and a slot that has keys is not given away.
    const { head, recent } = new Names(namespace);
    const given = await from.command((c) =>
      c
        .pipeline()
        .del(head, recent)
        .call('CLUSTER', ...assign)
        .exec(),
    );
    expect(given?.map(([error]) => error)).toEqual([null, null]);
    await cluster.masters[2]!.command((c) => c.call('CLUSTER', ...assign));
    const cache = backend.cache('test');
    await eventually(async () => {
      await cache.set('k', 1);
      cache.clearLocal();
      return (await cache.fetch('k', () => 2)).source === 'L2' && backend.strata.state.leaseHeld;
    });
    const held = await to.command((c) => c.exists(new Names(namespace).head));
    expect(held).toBe(1);
  }, 60_000);

  it('a fail-over of the node that holds head makes a gap, and nothing stale', async () => {
    const [a, b] = [await start(), await start()];
    await settledFleet(a);
    let source = 1;
    const read = (backend: CacheBackend) => backend.cache('test').getOrSet('k', () => source, { tags: ['t'] });
    expect([await read(a), await read(b)]).toEqual([1, 1]);
    const epoch = a.strata.state.epoch;
    await cluster.masters[0]!.kill();
    await cluster.promote();
    source = 2;
    // Deferred while nobody holds `head`: what was invalidated must not be served by this instance.
    await a.strata.invalidateTags(['t']);
    expect(await read(a)).toBe(2);
    await eventually(() => a.strata.deferredTags === 0 && a.redis.connected && b.redis.connected);
    await eventually(() => a.strata.state.leaseHeld && b.strata.state.leaseHeld);
    expect(a.strata.state.epoch).not.toBe(epoch);
    expect([await read(a), await read(b)]).toEqual([2, 2]);
    source = 3;
    expect(await a.strata.invalidateTags(['t'])).toMatchObject({ deferred: false });
    expect([await read(a), await read(b)]).toEqual([3, 3]);
  }, 60_000);

  async function reader() {
    const backend = await start();
    return { backend, cache: backend.cache('test') };
  }

  /** Until the unknown member of a fresh namespace is forgotten, writes wait one lease. */
  async function settledFleet(backend: CacheBackend): Promise<void> {
    await eventually(async () => {
      const { members } = await backend.strata.remote.invalidate({ id: 'p', origin: 'p', mode: 'delete', tags: [] });
      return !members.has('?');
    });
  }
});
