import type { Loader } from '@strata/cache/core';
import { Gate } from '@strata/cache/testing';
import { eventually } from '../support/eventually';
import { fleetKnown, startInstance, type Instance } from '../support/fleet';
import { leaseIn } from '../support/load-lease';
import { RedisServer } from '../support/redis-server';

describe('two tiers on a real Redis', () => {
  let redis: RedisServer;
  let a: Instance;
  let b: Instance;

  beforeAll(async () => {
    redis = await RedisServer.start();
    a = await startInstance(redis.url);
    b = await startInstance(redis.url);
    await fleetKnown(a);
  });

  beforeEach(async () => {
    await a.strata.clear();
  });

  afterAll(async () => {
    await Promise.all([a.close(), b.close()]);
    await redis.stop();
  });

  const load = async (instance: Instance, key: string, value: unknown, tags: string[] = []): Promise<void> => {
    await instance.cache.getOrSet(key, () => value, { tags });
    await instance.cache.settled();
  };

  it('finds in L2 what another instance loaded, and fills L1 with it', async () => {
    await load(a, 'k', { n: 1 }, ['t']);
    const loader = jest.fn();
    const [first, second] = [
      await b.cache.fetch('k', loader, { tags: ['t'] }),
      await b.cache.fetch('k', loader, { tags: ['t'] }),
    ];
    expect([first.source, second.source]).toEqual(['L2', 'L1']);
    expect(first.value).toEqual({ n: 1 });
    expect(loader).not.toHaveBeenCalled();
  });

  it('finds in L2 what its own L1 has lost', async () => {
    await a.cache.set('k', 'v');
    a.cache.clearLocal();
    expect((await a.cache.fetch('k', () => 'x')).source).toBe('L2');
    expect((await a.cache.fetch('k', () => 'x')).source).toBe('L1');
  });

  it('back-fills for the remaining life, never a full one', async () => {
    await a.cache.getOrSet('k', () => 1, { ttl: '5s' });
    await a.cache.settled();
    await b.cache.get('k');
    const [{ L1: inA }, { L1: inB }] = [await a.cache.explain('k'), await b.cache.explain('k')];
    expect(Math.abs(inA.ttlMs! + inA.ageMs! - (inB.ttlMs! + inB.ageMs!))).toBeLessThanOrEqual(1);
    expect(inB.ttlMs).toBeLessThanOrEqual(5_000);
  });

  it('gives every key in Redis an expiry, but for head', async () => {
    await load(a, 'k', 1, ['t']);
    await a.strata.invalidateTags(['other']);
    const lives = await redis.command(async (client) => {
      const keys = await client.keys('*');
      return Promise.all(keys.map(async (key) => [key, await client.pttl(key)] as const));
    });
    const eternal = lives.filter(([, ms]) => ms < 0).map(([key]) => key);
    expect(eternal.sort()).toEqual(['{test}:head', '{test}:recent']);
    expect(lives.length).toBeGreaterThan(3);
  });

  it.each([
    ['as the cache says', undefined],
    ['longer than any life of the cache', '400d'],
  ] as const)('keeps each tag of an entry in Redis for longer than the entry: %s', async (_how, ttl) => {
    const loader: Loader<unknown> = ({ addTags }) => (addTags('learnt'), 1);
    await a.cache.getOrSet('k', loader, { ttl, tags: ['declared'] });
    await a.cache.settled();
    const names = ['k:test:k', 't:declared', 't:learnt'].map((tag) => `{test}:tag:${tag}`);
    // All as of one moment, however busy the machine is.
    const look = 'local left = {} for i, key in ipairs(KEYS) do left[i] = redis.call("PTTL", key) end return left';
    const [entry, ...tags] = await redis.command(
      (client) => client.eval(look, 4, 'test:entry:test:k', ...names) as Promise<number[]>,
    );
    expect(entry).toBeGreaterThan(0);
    // What is written by one command may differ by the millisecond in which it was written.
    expect(tags.map((left) => left + 2 >= entry!)).toEqual([true, true, true]);
  });

  it.each(['delete', 'set', 'tag', 'clear', 'expire'])(
    '%s on one instance is seen on the other at once',
    async (how) => {
      await load(a, 'k', 'old', ['t']);
      expect(await b.cache.get('k', { tags: ['t'] })).toBe('old');
      if (how === 'delete') await a.cache.delete('k');
      if (how === 'set') await a.cache.set('k', 'new', { tags: ['t'] });
      if (how === 'tag') await a.strata.invalidateTags(['t']);
      if (how === 'clear') await a.cache.clear();
      if (how === 'expire') await a.cache.expire('k');
      expect(await b.cache.get('k', { tags: ['t'] })).toBe(how === 'set' ? 'new' : undefined);
    },
  );

  it('a value loaded before a write on another instance is stored by nobody', async () => {
    const gate = new Gate();
    const slow = a.cache.getOrSet('k', async () => (await gate.pass(), 'old'), { tags: ['t'] });
    await gate.reached;
    await b.strata.invalidateTags(['t']);
    gate.release();
    expect(await slow).toBe('old');
    await a.cache.settled();
    expect(await b.cache.getOrSet('k', () => 'new', { tags: ['t'] })).toBe('new');
    expect(await a.cache.getOrSet('k', () => 'newer', { tags: ['t'] })).toBe('new');
  });

  it('an older fill never replaces a newer one', async () => {
    const gate = new Gate();
    const slow = a.cache.getOrSet('k', async () => (await gate.pass(), 'old'), { tags: ['t'] });
    await gate.reached;
    await b.strata.invalidateTags(['t']);
    await load(b, 'k', 'new', ['t']);
    gate.release();
    await slow;
    await a.cache.settled();
    b.cache.clearLocal();
    const read = await b.cache.fetch('k', () => 'loaded again', { tags: ['t'] });
    expect([read.source, read.value]).toEqual(['L2', 'new']);
  });

  it('checks tags that only the entry knows', async () => {
    await a.cache.getOrSet('k', ({ addTags }) => (addTags('learnt'), 'old'));
    await a.cache.settled();
    expect(await b.cache.get('k')).toBe('old');
    b.cache.clearLocal();
    await a.strata.invalidateTags(['learnt']);
    expect(await b.cache.get('k')).toBeUndefined();
  });

  it('checks tags that only the reader declares', async () => {
    await load(a, 'k', 'old', []);
    await a.strata.invalidateTags(['declared later']);
    expect(await b.cache.get('k', { tags: ['declared later'] })).toBeUndefined();
    expect(await b.cache.get('k')).toBe('old');
  });

  it('a reader whose tag the L1 entry does not carry is not served from L1', async () => {
    await load(a, 'k', 'old', ['a']);
    await b.strata.invalidateTags(['b']);
    a.cache.clearLocal();
    expect(await a.cache.get('k', { tags: ['a'] })).toBe('old');
    expect(await a.cache.get('k', { tags: ['a', 'b'] })).toBeUndefined();
  });

  it('an invalidation of more tags than one message holds reaches the other instance', async () => {
    await load(a, 'k', 'old', ['tag-10499']);
    expect(await b.cache.get('k')).toBe('old');
    const tags = Array.from({ length: 10_500 }, (_, i) => `tag-${i}`);
    expect((await a.strata.invalidateTags(tags)).deferred).toBe(false);
    expect(await b.cache.get('k')).toBeUndefined();
  });

  it('a tag learnt while others were invalidated does not make the value invalid from the start', async () => {
    await a.cache.getOrSet('k', async ({ addTags }) => {
      await b.strata.invalidateTags(['unrelated']);
      addTags('new tag');
      return 'v';
    });
    await a.cache.settled();
    expect((await b.cache.fetch('k', () => 'x')).source).toBe('L2');
    expect((await b.cache.fetch('k', () => 'x', { tags: ['new tag'] })).source).toBe('L1');
  });

  it('a tag learnt that was itself invalidated during the load does', async () => {
    await a.cache.getOrSet('k', async ({ addTags }) => {
      await b.strata.invalidateTags(['learnt too late']);
      addTags('learnt too late');
      return 'old';
    });
    await a.cache.settled();
    expect(await b.cache.get('k')).toBeUndefined();
  });

  it('loads a cold key once in the fleet', async () => {
    const gate = new Gate();
    const loader = jest.fn(async () => (await gate.pass(), 'v'));
    const reads = [a, b].flatMap((instance) =>
      Array.from({ length: 10 }, () => instance.cache.getOrSet('cold', loader)),
    );
    await gate.reached;
    gate.release();
    expect(new Set(await Promise.all(reads))).toEqual(new Set(['v']));
    expect(loader).toHaveBeenCalledTimes(1);
  });

  it('gives the load lease back when a loader fails, so that another instance loads at once', async () => {
    await expect(a.cache.getOrSet('k', () => Promise.reject(new Error('down')))).rejects.toThrow('down');
    await a.cache.settled();
    const before = Date.now();
    expect(await b.cache.getOrSet('k', () => 'v')).toBe('v');
    await b.cache.settled();
    // What is left is the mark of a fill a moment ago, in nobody's name.
    const mark = leaseIn(await redis.command((client) => client.get('{test}:tag:k:test:k')));
    expect(mark.token).toBe('-'.repeat(36));
    expect(mark.heldUntil).toBeGreaterThanOrEqual(before + 1_000);
    expect(mark.heldUntil).toBeLessThanOrEqual(Date.now() + 1_000);
  });

  it('keeps text that telejson would revive as it is', async () => {
    const value = {
      name: '_function_x|() => 1',
      when: '_date_2020',
      nested: ['_regexp_/x/', '_symbol_y', '_undefined_'],
    };
    await a.cache.set('k', value);
    expect(await b.cache.get('k')).toEqual(value);
  });

  it('takes what is not ours, damaged or moved for a miss, and counts it', async () => {
    await load(a, 'k', 'v');
    await load(a, 'other', 'o');
    const keys = { k: 'test:entry:test:k', other: 'test:entry:test:other' };
    const before = b.cache.counters.remote.errors;
    for (const hostile of ['junk', Buffer.alloc(0), Buffer.alloc(100_000, 0x53), '{"__proto__":{}}']) {
      await redis.command((client) => client.set(keys.k, hostile));
      expect(await b.cache.get('k')).toBeUndefined();
    }
    await redis.command((client) => client.copy(keys.other, keys.k, 'REPLACE'));
    expect(await b.cache.get('k')).toBeUndefined();
    // The empty one looks like none.
    expect(b.cache.counters.remote.errors - before).toBe(4);
  });

  it('carries nothing over that is too large for any entry', async () => {
    await load(a, 'k', 'v');
    const sent = async (): Promise<number> => {
      const info = await redis.command((client) => client.info('stats'));
      return Number(/total_net_output_bytes:(\d+)/.exec(info)![1]);
    };
    await redis.command((client) => client.setrange('test:entry:test:k', 40_000_000, 'x'));
    const before = await sent();
    expect(await b.cache.get('k')).toBeUndefined();
    expect((await sent()) - before).toBeLessThan(4_000_000);
  });

  it('no key and no tag becomes code of a script', async () => {
    const code = `'"]] redis.call("FLUSHALL") --`;
    await load(a, 'k', 'v');
    await load(a, code, 'x', [code, '*', 'v:*', '%s%d']);
    expect(await b.cache.get(code, { tags: [code] })).toBe('x');
    await a.strata.invalidateTags([code]);
    expect(await b.cache.get(code, { tags: [code] })).toBeUndefined();
    expect(await b.cache.get('k')).toBe('v');
  });

  it('bus messages that are none of ours cost misses at most', async () => {
    await load(a, 'k', 'v');
    await b.cache.get('k');
    const hostile = [
      '',
      'i|',
      'i|x|1|{}',
      'i|aaaaaaaaaaaaaaaa|1|{bad',
      'i|aaaaaaaaaaaaaaaa|1|null',
      `i|aaaaaaaaaaaaaaaa|9|${JSON.stringify({ id: 1 })}`,
      'x'.repeat(100_000),
    ];
    await redis.command(async (client) => {
      for (const text of hostile) await client.publish('{test}:bus', text);
    });
    await a.strata.invalidateTags(['flush the bus']);
    const read = await b.cache.fetch('k', () => 'x');
    expect([read.value, read.source]).toEqual(['v', 'L2']);
  });

  it('a hundred unrelated writes cost readers no hit, in L1 or in L2', async () => {
    await eventually(() => a.strata.state.leaseHeld && b.strata.state.leaseHeld);
    const keys = Array.from({ length: 50 }, (_, i) => `steady:${i}`);
    const read = async (instance: Instance): Promise<string[]> => {
      const found = keys.map((key) => instance.cache.fetch(key, ({ addTags }) => (addTags(`of:${key}`), key)));
      return (await Promise.all(found)).map(({ source }) => source);
    };
    await read(a);
    await a.cache.settled();
    expect(new Set(await read(b))).toEqual(new Set(['L2']));
    for (let i = 0; i < 100; i++) {
      await a.strata.invalidateTags([`other:${i}`]);
      if (i % 10 === 9) expect(new Set([...(await read(a)), ...(await read(b))])).toEqual(new Set(['L1']));
    }
    b.cache.clearLocal();
    expect(new Set(await read(b))).toEqual(new Set(['L2']));
  });

  it('a load during unrelated writes is kept, tags that it learnt included', async () => {
    const gate = new Gate();
    const loading = a.cache.getOrSet('busy', async ({ addTags }) => {
      await gate.pass();
      addTags('learnt');
      return 'v';
    });
    await gate.reached;
    for (let i = 0; i < 100; i++) await b.strata.invalidateTags([`other:${i}`]);
    gate.release();
    await loading;
    await a.cache.settled();
    expect((await b.cache.fetch('busy', () => 'x')).source).toBe('L2');
    expect((await a.cache.fetch('busy', () => 'x')).source).toBe('L1');
  });

  it('keeps namespaces of one Redis apart', async () => {
    const other = await startInstance(redis.url, { namespace: 'other' });
    await a.cache.set('k', 'ours');
    await other.cache.set('k', 'theirs');
    await other.strata.clear();
    expect(await a.cache.get('k')).toBe('ours');
    a.cache.clearLocal();
    expect(await a.cache.get('k')).toBe('ours');
    expect(await other.cache.get('k')).toBeUndefined();
    await other.close();
  });

  it('braces in a key choose no slot, and long keys are stored under a digest', async () => {
    const long = 'x'.repeat(5_000);
    await a.cache.set('{evil}', 1);
    await a.cache.set(long, 2);
    expect([await b.cache.get('{evil}'), await b.cache.get(long)]).toEqual([1, 2]);
    const keys = await redis.command((client) => client.keys('*entry*'));
    expect(keys.filter((key) => /\{evil\}|x{300}/.test(key))).toEqual([]);
  });
});
