import { once } from 'node:events';
import type { ReadOptions } from '@strata/cache/core';
import type { Redis } from 'ioredis';
import { startInstance, type Instance } from '../support/fleet';
import { RedisServer } from '../support/redis-server';
import { TcpProxy } from '../support/tcp-proxy';

/** A lease so long that no heartbeat falls into a measurement. */
const LEASE_MS = 60_000;

describe('what each operation costs in Redis', () => {
  let redis: RedisServer;
  let proxy: TcpProxy;
  let near: Instance;
  let far: Instance;
  let monitor: Redis;
  let marker: Redis;
  const commands: string[] = [];
  /** What scripts did to which name. */
  const inScripts: string[] = [];

  beforeAll(async () => {
    redis = await RedisServer.start();
    proxy = await TcpProxy.start(redis.port);
    near = await startInstance(proxy.url, { leaseMs: LEASE_MS });
    far = await startInstance(redis.url, { leaseMs: LEASE_MS });
    await near.strata.remote.removeMember('?');
    marker = redis.connect();
    await marker.ping();
    // A connection of its own, opened when no other one is: ioredis takes what it is shown too early for an answer.
    monitor = await marker.monitor();
    monitor.on('monitor', (_time: string, [command, name]: string[], source: string) => {
      // What a script does inside Redis costs no round trip.
      if (source === 'lua') inScripts.push(`${command!.toLowerCase()} ${name}`);
      else commands.push(command!.toLowerCase());
    });
  });

  afterAll(async () => {
    monitor.disconnect();
    marker.disconnect();
    await Promise.all([near.close(), far.close()]);
    await proxy.stop();
    await redis.stop();
  });

  /** Round trips of `action`, and every command that reached Redis meanwhile, whoever sent it. */
  async function cost(action: () => Promise<unknown>): Promise<{ roundTrips: number; commands: string[] }> {
    await arrivedUntilNow();
    const before = proxy.roundTrips;
    commands.length = 0;
    await action();
    const roundTrips = proxy.roundTrips - before;
    await near.cache.settled();
    await arrivedUntilNow();
    return { roundTrips, commands: commands.filter((name) => name !== 'echo') };
  }

  /** Redis tells a monitor of commands in their order: once this one is seen, all earlier ones are. */
  async function arrivedUntilNow(): Promise<void> {
    const seen = once(monitor, 'monitor');
    await marker.echo('now');
    await seen;
    for (let i = 0; i < 100 && !commands.includes('echo'); i++) await new Promise((r) => setImmediate(r));
  }

  /** Counts how often the instance writes to its connection from now on. */
  function writes(): () => number {
    const { stream } = near.driver.link.client as unknown as { stream: Record<'_write' | '_writev', () => void> };
    const spies = [jest.spyOn(stream, '_write'), jest.spyOn(stream, '_writev')];
    return () => {
      const count = spies.reduce((sum, { mock }) => sum + mock.calls.length, 0);
      jest.restoreAllMocks();
      return count;
    };
  }

  const options = { tags: ['t'] };

  /** Until versions are left out. */
  async function readOften({ cache }: Instance, key: string): Promise<void> {
    for (let i = 0; i < 4; i++) {
      cache.clearLocal();
      await cache.get(key, options);
    }
  }

  it('a miss: one look that brings leave to load, one store after it, off the path of the answer', async () => {
    await cost(() => near.cache.getOrSet('k', () => 'v', options));
    // Scripts go as EVAL once, when the server does not know them yet.
    await near.cache.getMany(['a', 'b']);
    const again = await cost(() => near.cache.getOrSet('k2', () => 'v', options));
    expect(again).toEqual({ roundTrips: 1, commands: Array(2).fill('evalsha') });
  });

  it('a load in place of an entry that has been invalidated: leave is asked for by itself', async () => {
    await near.cache.getOrSet('old', () => 'v', { tags: ['of-old'] });
    await near.cache.settled();
    await near.strata.invalidateTags(['of-old']);
    const renewed = await cost(() => near.cache.getOrSet('old', () => 'w', { tags: ['of-old'] }));
    expect(renewed.roundTrips).toBe(2);
    expect(renewed.commands.map((name) => name.replace('evalsha', 'eval'))).toEqual(Array(3).fill('eval'));
  });

  it('an L1 hit: nothing', async () => {
    expect(await cost(() => near.cache.get('k', options))).toEqual({ roundTrips: 0, commands: [] });
    expect(await cost(() => near.cache.getOrSet('k', () => 'x', options))).toEqual({ roundTrips: 0, commands: [] });
  });

  it('an L2 hit: one command for who has heard of all that happened since, whatever tags it declares', async () => {
    await readOften(near, 'k');
    for (const declared of [options, {}]) {
      near.cache.clearLocal();
      const written = writes();
      const read = await cost(() => near.cache.get('k', declared));
      expect([read, written()]).toEqual([{ roundTrips: 1, commands: ['getrange'] }, 1]);
    }
  });

  it('an L2 hit of who has not: versions too, one round trip more for those it did not ask for at once', async () => {
    await near.strata.invalidateTags(['unrelated']);
    const late = await startInstance(proxy.url, { leaseMs: LEASE_MS });
    const look = ['getrange', 'hmget', 'mget'];
    const read = async (declared: ReadOptions) => {
      late.cache.clearLocal();
      const { roundTrips, commands } = await cost(() => late.cache.get('k', declared));
      return { roundTrips, commands };
    };
    expect(await read(options)).toEqual({ roundTrips: 1, commands: look });
    expect(await read({})).toEqual({ roundTrips: 2, commands: [...look, 'hmget', 'mget'] });
    await near.cache.getOrSet('new', () => 'v', options);
    await near.cache.settled();
    await readOften(late, 'new');
    late.cache.clearLocal();
    expect(await cost(() => late.cache.get('new', options))).toEqual({ roundTrips: 1, commands: ['getrange'] });
    // Expected to be as young as those before it.
    expect(await read(options)).toEqual({ roundTrips: 2, commands: look });
    expect(await read(options)).toEqual({ roundTrips: 1, commands: look });
    await late.close();
  });

  it('sixty-four misses at a time: eight commands at most; sixty-four L2 hits: three', async () => {
    const keys = Array.from({ length: 64 }, (_, i) => `many${i}`);
    const load = (): Promise<unknown> => Promise.all(keys.map((key) => near.cache.getOrSet(key, () => key, options)));
    // Looks, sixteen each, and a store of what each of them has let through.
    const { roundTrips: before, commands: asked } = await cost(load);
    expect([before, asked.length <= 8, new Set(asked)]).toEqual([1, true, new Set(['evalsha'])]);
    // As above: once as EVAL.
    await near.cache.getMany(['absent', 'too']);
    near.cache.clearLocal();
    const written = writes();
    const { roundTrips, commands: sent } = await cost(() => near.cache.getMany(keys, options));
    // Sixteen, sixteen, and half of all that are under way then.
    expect([roundTrips, sent]).toEqual([1, Array(3).fill('evalsha')]);
    // Each leaves at once: Redis works on it while the next is put together.
    expect(written()).toBe(3);
  });

  it('a large entry that others are read with is asked for by itself: nobody waits for its bytes', async () => {
    // Random, so that it cannot be compressed.
    const noise = (length: number): number[] => Array.from({ length }, () => Math.random());
    const values = { large: noise(10_000), small: 's', tiny: 't' };
    await near.cache.setMany(new Map<string, unknown>(Object.entries(values)));
    const costOf = async (...keys: (keyof typeof values)[]): Promise<number> => {
      near.cache.clearLocal();
      const { roundTrips } = await cost(() => near.cache.getMany(keys));
      expect(near.cache.localUsage.size).toBe(keys.length);
      return roundTrips;
    };
    expect(await costOf('large')).toBe(1);
    expect(await costOf('small', 'tiny')).toBe(1);
    expect(await costOf('large', 'small')).toBe(2);
  });

  it('a value is there before those who wait for its load are told so', async () => {
    inScripts.length = 0;
    await cost(() => near.cache.getOrSet('told', () => 'v', options));
    const writes = inScripts.filter((done) => /^set.* .*told$/.test(done));
    const lease = '{test}:tag:k:test:told';
    expect(writes).toEqual([`set ${lease}`, 'set test:entry:test:told', `setrange ${lease}`]);
  });

  it('what is no entry harms nobody who is read, granted or stored with it', async () => {
    await marker.lpush('test:entry:test:list', 'x');
    await near.cache.set('whole', 1);
    near.cache.clearLocal();
    const values = await Promise.all([near.cache.get('list'), near.cache.get('whole')]);
    expect(values).toEqual([undefined, 1]);
    await marker.lpush('{test}:tag:k:test:leased', 'x');
    await Promise.all(['leased', 'beside'].map((key) => near.cache.getOrSet(key, () => key)));
    await near.cache.settled();
    near.cache.clearLocal();
    expect(await near.cache.get('beside')).toBe('beside');
    // An invalidation of this tag could not reach anybody: what carries it must not be kept.
    await marker.lpush('{test}:tag:t:odd', 'x');
    const tags = { odd: ['odd'], even: ['even'] };
    await Promise.all(
      Object.entries(tags).map(([key, tags]) => near.cache.getOrSet(`tagged ${key}`, () => key, { tags })),
    );
    expect([near.cache.peek('tagged odd'), near.cache.peek('tagged even')]).toEqual([undefined, 'even']);
    expect(await marker.type('{test}:tag:t:odd')).toBe('list');
  });

  it('an invalidation: one round trip and the acknowledgement of each other instance', async () => {
    await near.strata.invalidateTags(['warm-up']);
    expect(await cost(() => near.strata.invalidateTags(['t']))).toEqual({
      roundTrips: 1,
      commands: ['evalsha', 'publish'],
    });
    expect((await cost(() => near.strata.invalidateTags(['a', 'b', 'c', 'd']))).roundTrips).toBe(1);
  });

  it('a set: one invalidation, then one store', async () => {
    await near.cache.set('warm-up', 1);
    const { roundTrips, commands: sent } = await cost(() => near.cache.set('s', 1));
    expect(roundTrips).toBe(2);
    expect([...sent].sort()).toEqual(['evalsha', 'evalsha', 'publish']);
  });
});
