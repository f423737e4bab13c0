import { eventually } from '../support/eventually';
import { fleetKnown, startInstance, type Instance } from '../support/fleet';
import { leaseIn } from '../support/load-lease';
import { RedisServer } from '../support/redis-server';

describe('faults of a real Redis', () => {
  let redis: RedisServer;
  const open: Instance[] = [];

  const start = async (options: Parameters<typeof startInstance>[1] = {}): Promise<Instance> => {
    const instance = await startInstance(redis.url, options);
    open.push(instance);
    return instance;
  };

  beforeEach(async () => {
    redis = await RedisServer.start();
  });

  afterEach(async () => {
    await Promise.all(open.splice(0).map((instance) => instance.close()));
    await redis.stop();
  });

  const lease = (...instances: Instance[]): Promise<unknown> =>
    eventually(() => instances.every((instance) => instance.strata.state.leaseHeld));

  it('a frozen Redis costs reads their cache, never an error, and is used again when it answers', async () => {
    const a = await start({ timeoutMs: 100 });
    await a.cache.set('k', 1);
    const changes: string[] = [];
    a.driver.link.onChange({ breakerChanged: (state) => changes.push(state) });
    redis.freeze();
    expect(await a.cache.getOrSet('cold', () => 'loaded')).toBe('loaded');
    await eventually(() => a.driver.link.breaker === 'open');
    const loader = jest.fn(() => 'loaded');
    await eventually(() => !a.strata.state.leaseHeld);
    expect(await a.cache.getOrSet('k', loader)).toBe('loaded');
    expect(loader).toHaveBeenCalledTimes(1);
    redis.thaw();
    await eventually(() => a.driver.link.available);
    await lease(a);
    expect(await a.cache.get('k')).toBe(1);
    expect(changes.filter((state) => state === 'closed')).toHaveLength(1);
  });

  it('a master that becomes a replica under an instance is known by its first refusal', async () => {
    const a = await start({ coherence: 'off' });
    await a.cache.set('k', 1);
    const refused: string[] = [];
    a.driver.link.onChange({ refused: (message) => refused.push(message) });
    await redis.command((client) => client.call('REPLICAOF', '127.0.0.1', '1'));
    expect(await a.cache.getOrSet('cold', () => 'loaded')).toBe('loaded');
    expect(refused[0]).toMatch(/^READONLY /);
    await eventually(() => !a.driver.link.available);
  });

  it('fails at once while the breaker is open: no command is queued or sent later', async () => {
    const a = await start({ timeoutMs: 100 });
    await redis.kill();
    await eventually(() => !a.driver.link.available);
    await expect(a.driver.link.send((client) => client.set('late', '1'))).rejects.toMatchObject({
      code: 'L2_UNAVAILABLE',
    });
    await redis.launch();
    await eventually(() => a.driver.link.available);
    expect(await redis.command((client) => client.get('late'))).toBeNull();
  });

  it('leave to load that a frozen Redis was asked for is given back when it wakes', async () => {
    const patient = { loadLease: '1m' } as const;
    const a = await start({ timeoutMs: 100, cacheOptions: patient });
    const b = await start({ cacheOptions: patient });
    const readers = [...Array(3).keys()].map((i) => `cold${i}`);
    redis.freeze();
    const loaded = readers.map((key) => a.cache.getOrSet(key, () => 'without Redis'));
    expect(await Promise.all(loaded)).toEqual(readers.map(() => 'without Redis'));
    redis.thaw();
    await lease(a, b);
    // Nobody is loading them: who comes now need not wait for the end of a lease.
    await eventually(async () => {
      const texts = await redis.command((client) => client.mget(readers.map((key) => `{test}:tag:k:test:${key}`)));
      return texts.every((text) => text === null || leaseIn(text).heldUntil === 0);
    });
    expect(await Promise.all(readers.map((key) => b.cache.getOrSet(key, () => 'of b')))).toEqual(
      readers.map(() => 'of b'),
    );
  });

  it('a command that timed out is not replayed when Redis is back', async () => {
    const a = await start({ timeoutMs: 100 });
    redis.freeze();
    await expect(a.driver.link.send((client) => client.incr('zombie'))).rejects.toMatchObject({
      code: 'L2_UNAVAILABLE',
    });
    await eventually(() => a.driver.link.client.status !== 'ready');
    redis.thaw();
    await eventually(() => a.driver.link.available);
    // What had reached the socket before the freeze may run once; it is never sent a second time.
    expect(Number((await redis.command((client) => client.get('zombie'))) ?? 0)).toBeLessThanOrEqual(1);
  });

  it('what was deleted during an outage never comes back', async () => {
    const [a, b] = [await start({ timeoutMs: 100 }), await start({ timeoutMs: 100 })];
    await lease(a, b);
    await fleetKnown(a);
    await a.cache.getOrSet('k', () => 'old');
    await a.cache.settled();
    expect(await b.cache.get('k')).toBe('old');
    redis.freeze();
    expect((await a.cache.delete('k')).deferred).toBe(true);
    expect(await a.cache.getOrSet('k', () => 'new')).toBe('new');
    redis.thaw();
    await eventually(() => a.strata.deferredTags === 0);
    await lease(a, b);
    expect(await b.cache.getOrSet('k', () => 'new')).toBe('new');
  });

  it('a Redis that restarts empty makes everything unknown, and a stale L1 copy is not served', async () => {
    const [a, b] = [await start(), await start()];
    await lease(a, b);
    await a.cache.getOrSet('k', () => 'old', { tags: ['t'] });
    await a.cache.settled();
    expect(await b.cache.get('k', { tags: ['t'] })).toBe('old');
    const epoch = a.strata.state.epoch;
    await redis.kill();
    await redis.launch();
    await lease(a, b);
    expect(a.strata.state.epoch).not.toBe(epoch);
    expect(await b.cache.getOrSet('k', () => 'new', { tags: ['t'] })).toBe('new');
    expect(await a.cache.getOrSet('k', () => 'x', { tags: ['t'] })).toBe('new');
  });

  it('evicting tags, or head itself, makes a miss of who has not heard all, and nothing stale', async () => {
    const a = await start();
    for (const lost of ['{test}:tag:t:t', '{test}:head']) {
      await lease(a);
      await a.cache.getOrSet('k', () => 'old', { tags: ['t'] });
      await a.cache.settled();
      // Without this the current version, with which a lost tag is made again, would still prove the entry.
      await a.strata.invalidateTags(['unrelated']);
      const b = await start();
      await lease(b);
      await redis.command((client) => client.del(lost));
      const read = await b.cache.fetch('k', () => 'loaded', { tags: ['t'] });
      expect([lost, read.source]).toEqual([lost, 'load']);
      await a.strata.invalidateTags(['t']);
    }
  });

  it('a lost tag costs nothing who has heard all: the entry is served until the next invalidation', async () => {
    const [a, b] = [await start(), await start()];
    await lease(a, b);
    await a.cache.getOrSet('k', () => 'old', { tags: ['t'] });
    await a.cache.settled();
    // As above: a tag that was made again would not prove the entry.
    await a.strata.invalidateTags(['unrelated']);
    await redis.command((client) => client.del('{test}:tag:t:t'));
    expect(await b.cache.fetch('k', () => 'loaded', { tags: ['t'] })).toMatchObject({ value: 'old', source: 'L2' });
    b.cache.clearLocal();
    await a.strata.invalidateTags(['t']);
    expect(await b.cache.fetch('k', () => 'new', { tags: ['t'] })).toMatchObject({ value: 'new', source: 'load' });
  });

  it('an entry of an epoch that ended stays invalid when its tags are known again with lower numbers', async () => {
    const a = await start();
    await lease(a);
    for (let i = 0; i < 20; i++) await a.strata.invalidateTags(['noise']);
    await a.cache.getOrSet('k', () => 'old', { tags: ['t'] });
    await a.cache.settled();
    await redis.command((client) => client.del('{test}:head'));
    a.cache.clearLocal();
    const failing = () => Promise.reject(new Error('down'));
    await expect(a.cache.getOrSet('k', failing, { tags: ['t'] })).rejects.toThrow('down');
    a.cache.clearLocal();
    expect(await a.cache.get('k', { tags: ['t'] })).toBeUndefined();
  });

  it('an instance whose subscription was cut revalidates instead of serving what it may have missed', async () => {
    const [a, b] = [await start(), await start()];
    await lease(a, b);
    await fleetKnown(a);
    await a.cache.getOrSet('k', () => 'old');
    await a.cache.settled();
    expect(await b.cache.get('k')).toBe('old');
    const generation = b.strata.state.generation;
    await redis.command((client) => client.client('KILL', 'TYPE', 'pubsub'));
    await a.cache.delete('k');
    expect(await b.cache.getOrSet('k', () => 'new')).toBe('new');
    await lease(a, b);
    expect(b.strata.state.generation).toBeGreaterThan(generation);
  });

  it('a member that vanished delays a write by at most one lease, and then no more', async () => {
    const a = await start();
    await lease(a);
    await fleetKnown(a);
    await a.driver.remote.heartbeat('ghost', 1);
    let clockwork = performance.now();
    await a.strata.invalidateTags(['t']);
    const waited = performance.now() - clockwork;
    expect(waited).toBeGreaterThanOrEqual(450);
    await eventually(async () => {
      clockwork = performance.now();
      const { members } = await a.driver.remote.invalidate({ id: 'x', origin: 'x', mode: 'delete', tags: [] });
      return !members.has('ghost');
    });
  });

  it('sixteen instances come at once, half of them go, some without a word; every write is seen by who is there', async () => {
    const all = await Promise.all(Array.from({ length: 16 }, () => start({ leaseMs: 1_000 })));
    await lease(...all);
    await fleetKnown(all[0]!);
    let source = 0;
    const writeAndRead = async (there: Instance[]): Promise<void> => {
      const writer = there[++source % there.length]!;
      expect(await writer.strata.invalidateTags(['t'])).toMatchObject({ deferred: false });
      const seen = there.map(({ cache }) => cache.getOrSet('k', () => source, { tags: ['t'] }));
      expect(new Set(await Promise.all(seen))).toEqual(new Set([source]));
    };
    for (let i = 0; i < 16; i++) await writeAndRead(all);
    expect(all[0]!.strata.members).toBe(16);
    const [stopped, vanished, staying] = [all.slice(0, 4), all.slice(4, 8), all.slice(8)];
    for (const instance of stopped) await open.splice(open.indexOf(instance), 1)[0]!.close();
    // Gone like a killed process: no connection any more, and nobody was told.
    for (const { driver } of vanished) driver.link.client.disconnect();
    for (let i = 0; i < 8; i++) await writeAndRead(staying);
    await eventually(() => staying[0]!.strata.members === 8);
  });

  it('out of memory: reads go on, and invalidations still reach everyone', async () => {
    const a = await start();
    await a.cache.set('k', 1);
    await redis.command((client) => client.config('SET', 'maxmemory', '1mb'));
    expect((await a.cache.delete('k')).deferred).toBe(false);
    expect(await a.cache.getOrSet('k', () => 2)).toBe(2);
    await redis.command((client) => client.config('SET', 'maxmemory', '0'));
  });

  it('out of memory at a store: nobody waits for what is not stored', async () => {
    const a = await start();
    await a.cache.set('before', 1);
    const short = (): Promise<unknown> => redis.command((client) => client.config('SET', 'maxmemory', '1mb'));
    expect(await a.cache.getOrSet('k', async () => (await short(), 'loaded'))).toBe('loaded');
    await a.cache.settled();
    expect(a.cache.counters.remote.errors).toBe(1);
    expect(await redis.command((client) => client.exists('{test}:tag:k:test:k', 'test:entry:test:k'))).toBe(0);
    await redis.command((client) => client.config('SET', 'maxmemory', '0'));
  });

  it('a user without rights is an unavailable L2, and no error repeats the password', async () => {
    await redis.command((client) =>
      client.acl('SETUSER', 'weak', 'on', '>hunter2-secret', '+ping', '+info', '+client'),
    );
    const weak = await startInstance(redis.url.replace('//', '//weak:hunter2-secret@'), { leaseMs: 200 });
    open.push(weak);
    const reasons: string[] = [];
    weak.strata.on((event) => event.name === 'tier.error' && reasons.push(event.reason));
    expect(await weak.cache.getOrSet('k', () => 1)).toBe(1);
    expect(reasons.join()).toMatch(/NOPERM|breaker/);
    expect(reasons.join()).not.toContain('hunter2');
  });

  it('a server that has become a replica is not asked any more, and used again once it is a master', async () => {
    const a = await start({ timeoutMs: 1_000 });
    await a.cache.set('k', 1);
    const other = await RedisServer.start();
    await redis.command((client) => client.call('REPLICAOF', '127.0.0.1', String(other.port)));
    expect(await a.cache.delete('k')).toMatchObject({ deferred: true });
    await eventually(() => !a.driver.link.available);
    expect(await a.cache.getOrSet('k', () => 2)).toBe(2);
    await redis.command((client) => client.call('REPLICAOF', 'NO', 'ONE'));
    await eventually(() => a.driver.link.available && a.strata.deferredTags === 0);
    expect(await a.cache.getOrSet('k', () => 3)).toBe(3);
    await other.stop();
  });

  it('scripts that the server has forgotten are sent again', async () => {
    const a = await start();
    await a.cache.set('k', 1);
    await redis.command((client) => client.script('FLUSH'));
    expect(await a.cache.set('k', 2)).toMatchObject({ deferred: false });
    a.cache.clearLocal();
    expect((await a.cache.fetch('k', () => 0)).value).toBe(2);
  });

  it('serves from L1 without Redis for maxStaleMs after the last proof, when asked to', async () => {
    const a = await start({ maxStaleMs: 60_000, timeoutMs: 100 });
    const strict = await start({ timeoutMs: 100 });
    await lease(a, strict);
    for (const instance of [a, strict]) {
      await instance.cache.getOrSet('k', () => 'kept');
      await instance.cache.settled();
    }
    await redis.kill();
    await eventually(() => !a.strata.state.leaseHeld && !strict.strata.state.leaseHeld);
    const loaded = await strict.cache.fetch('k', () => 'loaded');
    const served = await a.cache.fetch('k', () => 'loaded');
    expect([loaded.value, served.value, served.stale]).toEqual(['loaded', 'kept', 'disconnected']);
  });

  it('without a lease no stale value stands in for a failing load, however long staleIfError is', async () => {
    const a = await start({ timeoutMs: 100, cacheOptions: { ttl: 50, staleIfError: '10m' } });
    await lease(a);
    await a.cache.getOrSet('k', () => 'old');
    await a.cache.settled();
    await redis.kill();
    await eventually(() => !a.strata.state.leaseHeld);
    await expect(a.cache.getOrSet('k', () => Promise.reject(new Error('down')))).rejects.toThrow('down');
  });

  it('delivers what was deferred although the bus stays silent', async () => {
    const a = await start({ timeoutMs: 100 });
    await lease(a);
    redis.freeze();
    expect((await a.cache.delete('k')).deferred).toBe(true);
    await a.driver.bus.close();
    redis.thaw();
    await eventually(() => a.strata.deferredTags === 0);
    expect(a.strata.state.leaseHeld).toBe(false);
  });

  it('losing head twice within a lease still makes the next write wait for whoever may hold a lease', async () => {
    const a = await start({ leaseMs: 1_000 });
    await lease(a);
    await fleetKnown(a);
    const marks: string[] = [];
    for (let i = 0; i < 2; i++) {
      await redis.command((client) => client.del('{test}:head'));
      const { members } = await a.driver.remote.invalidate({ id: 'x', origin: 'x', mode: 'delete', tags: [] });
      marks.push(members.get('?')!);
    }
    expect(new Set(marks).size).toBe(2);
    await a.driver.remote.removeMember('?', marks[0]);
    const { members } = await a.driver.remote.invalidate({ id: 'y', origin: 'y', mode: 'delete', tags: [] });
    expect(members.has('?')).toBe(true);
  });

  it('leaves no member, timer or connection behind when it closes', async () => {
    const a = await start();
    await lease(a);
    await open.pop()!.close();
    const head = await redis.command((client) => client.hgetall('{test}:head'));
    expect(Object.keys(head).filter((field) => field.startsWith('m:') && field !== 'm:?')).toEqual([]);
    await eventually(async () => {
      const clients = await redis.command((client) => client.client('LIST'));
      return (clients as string).trim().split('\n').length === 1;
    });
  });
});
