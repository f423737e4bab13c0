import { randomBytes } from 'node:crypto';
import { eventually } from '../support/eventually';
import { fleetKnown, startInstance, type Instance } from '../support/fleet';
import { RedisServer } from '../support/redis-server';
import { TcpProxy } from '../support/tcp-proxy';

describe('a network that loses bytes', () => {
  let redis: RedisServer;
  let proxy: TcpProxy;
  let near: Instance;
  let far: Instance;

  beforeEach(async () => {
    redis = await RedisServer.start();
    proxy = await TcpProxy.start(redis.port);
    near = await startInstance(redis.url, { timeoutMs: 300 });
    far = await startInstance(proxy.url, { timeoutMs: 300 });
    await fleetKnown(near);
    await eventually(() => near.strata.state.leaseHeld && far.strata.state.leaseHeld);
  });

  afterEach(async () => {
    await Promise.all([near.close(), far.close()]);
    await proxy.stop();
    await redis.stop();
  });

  it('an invalidation whose answer is lost counts as undelivered, is delivered again, and is never undone', async () => {
    await far.cache.getOrSet('k', () => 'old');
    await far.cache.settled();
    proxy.lost = 'answers';
    expect((await far.cache.delete('k')).deferred).toBe(true);
    expect(await near.cache.get('k')).toBeUndefined();
    await near.cache.getOrSet('k', () => 'new');
    await near.cache.settled();
    expect(await far.cache.getOrSet('k', () => 'loaded')).toBe('loaded');
    proxy.lost = 'nothing';
    await eventually(() => far.strata.deferredTags === 0 && far.strata.state.leaseHeld);
    expect(await far.cache.getOrSet('k', () => 'new')).toBe('new');
  });

  it('a connection cut in the middle of a store settles everything and stores nothing twice', async () => {
    // As large as may be stored, and not to be compressed.
    const large = randomBytes(195_000).toString('hex');
    const stores = Array.from({ length: 20 }, (_, i) => far.cache.getOrSet(`k${i}`, () => large + i));
    proxy.cut();
    expect((await Promise.all(stores)).map((value) => (value as string).length)).toHaveLength(20);
    await far.cache.settled();
    await eventually(() => far.driver.link.available && far.strata.state.leaseHeld);
    expect(await far.cache.getOrSet('k0', () => `${large}0`)).toBe(`${large}0`);
  });

  it('who hears nothing is waited for once; a server that accepts and says nothing is given up', async () => {
    const deaf = await startInstance(redis.url, { subscriberUrl: proxy.url, leaseMs: 1_000 });
    await eventually(() => deaf.strata.state.leaseHeld && near.strata.members >= 3);
    proxy.lost = 'answers';
    proxy.cut();
    await eventually(() => !deaf.strata.state.leaseHeld);
    const write = async (): Promise<number> => {
      const startedAt = performance.now();
      await near.strata.invalidateTags(['t']);
      return performance.now() - startedAt;
    };
    await write();
    // The beats of the others go on, its own do not: it stays forgotten.
    const membersAfterBeats = async (count: number): Promise<ReadonlyMap<string, string>> => {
      let beats = 0;
      near.strata.on((event) => event.name === 'bus.received' && event.kind === 'echo' && beats++);
      await eventually(() => beats >= count);
      return (await near.driver.remote.invalidate({ id: 'p', origin: 'p', mode: 'delete', tags: [] })).members;
    };
    expect([...(await membersAfterBeats(6)).keys()]).not.toContain(deaf.strata.member);
    expect(await write()).toBeLessThan(500);
    proxy.lost = 'nothing';
    await eventually(() => deaf.strata.state.leaseHeld);
    await deaf.close();
  });

  it.each(['requests', 'answers', 'both'] as const)(
    'an instance that loses its %s serves nothing stale, and a write waits for it at most one lease',
    async (lost) => {
      await near.cache.getOrSet('k', () => 'old');
      await near.cache.settled();
      expect(await far.cache.get('k')).toBe('old');
      proxy.lost = lost;
      const startedAt = performance.now();
      await near.cache.delete('k');
      expect(performance.now() - startedAt).toBeLessThan(1_500);
      expect(await far.cache.getOrSet('k', () => 'new')).toBe('new');
    },
  );
});

describe('Redis restarted from an old snapshot', () => {
  it('brings back what was invalidated, and nobody serves it', async () => {
    const redis = await RedisServer.start('--dbfilename', 'old.rdb');
    const [a, b] = [await startInstance(redis.url), await startInstance(redis.url)];
    await eventually(() => a.strata.state.leaseHeld && b.strata.state.leaseHeld);
    await a.cache.getOrSet('k', () => 'old', { tags: ['t'] });
    await a.cache.settled();
    await redis.command((client) => client.save());
    await a.strata.invalidateTags(['t']);
    await redis.kill();
    await redis.launch();
    expect(await redis.command((client) => client.exists('test:entry:test:k'))).toBe(1);
    for (const instance of [a, b]) {
      await eventually(() => instance.driver.link.available);
      expect(await instance.cache.get('k', { tags: ['t'] })).toBeUndefined();
    }
    await eventually(() => a.strata.state.leaseHeld && b.strata.state.leaseHeld);
    expect(await b.cache.getOrSet('k', () => 'new', { tags: ['t'] })).toBe('new');
    await Promise.all([a.close(), b.close()]);
    await redis.stop();
  });
});
