import { type FakeClock, Gate, localStrata, settle } from '../testing';
import { CacheError } from './errors';
import { jsonSerializer } from './json-serializer';
import type { Strata } from './strata';
import type { TieredCache } from './tiered-cache';

describe('TieredCache on L1 alone', () => {
  let strata: Strata;
  let clock: FakeClock;
  let cache: TieredCache;

  beforeEach(() => {
    ({ strata, clock } = localStrata());
    cache = strata.cache('test', { ttl: '10s' });
  });

  afterEach(async () => {
    await cache.settled();
    await strata.close();
  });

  it('returns what was set, and undefined for what was not', async () => {
    await cache.set('a', { n: 1 });
    expect(await cache.get('a')).toEqual({ n: 1 });
    expect(await cache.get('b')).toBeUndefined();
  });

  it('counts hits 1, misses 1, sets 1, deletes 1, and clear keeps the counters', async () => {
    await cache.get('a');
    await cache.set('a', 1);
    await cache.get('a');
    await cache.delete('a');
    await cache.clear();
    expect(cache.counters.local).toMatchObject({ hits: 1, misses: 1, sets: 1, deletes: 1 });
  });

  it('expires after the ttl and not before', async () => {
    await cache.set('a', 1);
    await clock.advance(9_999);
    expect(await cache.get('a')).toBe(1);
    await clock.advance(1);
    expect(await cache.get('a')).toBeUndefined();
    expect(cache.counters.local.expirations).toBe(1);
  });

  it.each([null, 0, false, '', [], {}])('keeps %j as a value', async (value) => {
    await cache.set('a', value);
    expect(await cache.get('a')).toEqual(value);
  });

  it('gives null its own, shorter life', async () => {
    const short = strata.cache('short', { ttl: '10s', negativeTtl: '1s' });
    await short.set('gone', null);
    await short.set('here', 1);
    await clock.advance(1_000);
    expect(await short.get('gone')).toBeUndefined();
    expect(await short.get('here')).toBe(1);
  });

  it('does not store with ttl 0', async () => {
    expect(await cache.getOrSet('a', () => 1, { ttl: 0 })).toBe(1);
    expect(await cache.get('a')).toBeUndefined();
  });

  it('refuses undefined, an empty key, a key of 131073 characters and an odd tag', async () => {
    await expect(cache.set('a', undefined)).rejects.toMatchObject({ code: 'ENTRY_REFUSED' });
    for (const key of ['', 'x'.repeat(131_073), 'a\ud800']) {
      await expect(cache.get(key)).rejects.toMatchObject({ code: 'INVALID_KEY' });
    }
    await expect(cache.get('a', { tags: [''] })).rejects.toMatchObject({ code: 'INVALID_TAG' });
  });

  it('loads once for twenty concurrent callers', async () => {
    const gate = new Gate();
    const loader = jest.fn(async () => {
      await gate.pass();
      return 'loaded';
    });
    const reads = Array.from({ length: 20 }, () => cache.getOrSet('a', loader));
    await gate.reached;
    gate.release();
    expect(await Promise.all(reads)).toEqual(Array(20).fill('loaded'));
    expect(loader).toHaveBeenCalledTimes(1);
    expect(cache.counters.loads).toMatchObject({ count: 1, coalesced: 19 });
  });

  it('loads each of twenty concurrent keys once', async () => {
    const loader = jest.fn(async (key: string) => key.toUpperCase());
    const keys = Array.from({ length: 20 }, (_, i) => `key-${i}`);
    const values = await Promise.all(keys.map((key) => cache.getOrSet(key, () => loader(key))));
    expect(values).toEqual(keys.map((key) => key.toUpperCase()));
    expect(loader).toHaveBeenCalledTimes(20);
  });

  it('runs a failing loader once for twenty callers, who all get its own error', async () => {
    const failure = new Error('database down');
    const loader = jest.fn(() => Promise.reject(failure));
    const results = await Promise.allSettled(Array.from({ length: 20 }, () => cache.getOrSet('a', loader)));
    expect(results.every((result) => result.status === 'rejected' && result.reason === failure)).toBe(true);
    expect(loader).toHaveBeenCalledTimes(1);
    expect(await cache.getOrSet('a', () => 'now')).toBe('now');
  });

  it('a get beside it does not keep a getOrSet from loading', async () => {
    const loader = jest.fn(() => 'loaded');
    const [nothing, , loaded] = await Promise.all([cache.get('a'), cache.get('a'), cache.getOrSet('a', loader)]);
    expect([nothing, loaded]).toEqual([undefined, 'loaded']);
    expect(loader).toHaveBeenCalledTimes(1);
  });

  it('loads once for concurrent callers also when the value is not stored', async () => {
    const gate = new Gate();
    const loader = jest.fn(async () => (await gate.pass(), 'v'));
    const reads = [1, 2, 3].map(() => cache.getOrSet('a', loader, { ttl: 0 }));
    await gate.reached;
    gate.release();
    expect(await Promise.all(reads)).toEqual(['v', 'v', 'v']);
    expect(loader).toHaveBeenCalledTimes(1);
  });

  it('gives what a loader declined to store to its own caller alone', async () => {
    let n = 0;
    const values = await Promise.all(
      [1, 2, 3, 4].map(() => cache.getOrSet('a', ({ doNotStore }) => (doNotStore(), ++n))),
    );
    expect(new Set(values).size).toBe(4);
  });

  it('does not keep undefined, and asks again', async () => {
    const loader = jest.fn(() => undefined);
    expect(await cache.getOrSet('a', loader)).toBeUndefined();
    await cache.getOrSet('a', loader);
    expect(loader).toHaveBeenCalledTimes(2);
  });

  it('hands out nothing that can change the cache, and keeps nothing of what was handed in', async () => {
    const input = { list: [1, { deep: true }] };
    await cache.set('a', input);
    input.list.push(2);
    const read = (await cache.get('a')) as typeof input;
    expect(read).toEqual({ list: [1, { deep: true }] });
    expect(() => read.list.push(3)).toThrow(TypeError);
    expect(() => Object.assign(read.list[1]!, { deep: false })).toThrow(TypeError);
    const loaded = (await cache.getOrSet('b', () => input)) as typeof input;
    expect(loaded).not.toBe(input);
  });

  it('gives the initiator the same form that later readers get', async () => {
    const date = new Date(0);
    expect(await cache.getOrSet('a', () => ({ date }))).toEqual({ date: '1970-01-01T00:00:00.000Z' });
    expect(await cache.get('a')).toEqual({ date: '1970-01-01T00:00:00.000Z' });
  });

  describe('invalidation', () => {
    it('drops every entry that carries the tag, and no other', async () => {
      await cache.set('a', 1, { tags: ['red', 'round'] });
      await cache.set('b', 2, { tags: ['red'] });
      await cache.set('c', 3, { tags: ['blue'] });
      await strata.invalidateTags(['red']);
      expect([await cache.get('a'), await cache.get('b'), await cache.get('c')]).toEqual([undefined, undefined, 3]);
    });

    it('reaches every named cache, while clear() empties one', async () => {
      const other = strata.cache('other');
      await cache.set('a', 1, { tags: ['t'] });
      await other.set('a', 2, { tags: ['t'] });
      await cache.clear();
      expect([await cache.get('a'), await other.get('a')]).toEqual([undefined, 2]);
      await strata.invalidateTags(['t']);
      expect(await other.get('a')).toBeUndefined();
    });

    it('does not confuse a tag with the name of a key or of everything', async () => {
      await cache.set('a', 1, { tags: ['x'] });
      await strata.invalidateTags(['*', 'k:test:a', '*:test', 'a']);
      expect(await cache.get('a')).toBe(1);
    });

    it.each(['key', 'tag', 'learnt tag', 'clear'])(
      'does not keep a value that was loading when its %s was invalidated',
      async (what) => {
        const gate = new Gate();
        const read = cache.getOrSet(
          'a',
          async ({ addTags }) => {
            addTags('learnt');
            await gate.pass();
            return 'old';
          },
          { tags: ['declared'] },
        );
        await gate.reached;
        if (what === 'key') await cache.delete('a');
        if (what === 'tag') await strata.invalidateTags(['declared']);
        if (what === 'learnt tag') await strata.invalidateTags(['learnt']);
        if (what === 'clear') await cache.clear();
        gate.release();
        expect(await read).toBe('old');
        expect(await cache.getOrSet('a', () => 'new', { tags: ['declared'] })).toBe('new');
        expect(cache.counters.fills.rejected).toBe(1);
      },
    );

    it('keeps a value that was loading when another tag was invalidated (the control)', async () => {
      const gate = new Gate();
      const read = cache.getOrSet('a', async () => (await gate.pass(), 'value'), { tags: ['declared'] });
      await gate.reached;
      await strata.invalidateTags(['unrelated']);
      gate.release();
      await read;
      expect(await cache.get('a')).toBe('value');
    });

    it('does not let a reader join a load that began before the invalidation of its tag', async () => {
      const gate = new Gate();
      const first = cache.getOrSet('a', async () => (await gate.pass(), 'old'), { tags: ['t'] });
      await gate.reached;
      await strata.invalidateTags(['t']);
      const second = cache.getOrSet('a', () => 'new', { tags: ['t'] });
      await settle();
      gate.release();
      expect(await first).toBe('old');
      expect(await second).toBe('new');
    });

    it('a joiner loads again when the value turns out to carry a tag invalidated meanwhile', async () => {
      const gate = new Gate();
      const first = cache.getOrSet('a', async ({ addTags }) => {
        addTags('learnt');
        await gate.pass();
        return 'old';
      });
      await gate.reached;
      await strata.invalidateTags(['learnt']);
      const second = cache.getOrSet('a', () => 'new');
      await settle();
      gate.release();
      expect(await first).toBe('old');
      expect(await second).toBe('new');
    });
  });

  describe('stale values', () => {
    const options = { ttl: '10s', staleWhileRevalidate: '5s', staleIfError: '60s' };

    it('are served at once while one load refreshes', async () => {
      await cache.getOrSet('a', () => 1, options);
      await clock.advance(10_000);
      const gate = new Gate();
      const loader = jest.fn(async () => (await gate.pass(), 2));
      expect(await Promise.all([1, 2, 3].map(() => cache.getOrSet('a', loader, options)))).toEqual([1, 1, 1]);
      gate.release();
      await cache.settled();
      expect(loader).toHaveBeenCalledTimes(1);
      expect(await cache.getOrSet('a', loader, options)).toBe(2);
    });

    it('are served when the load fails, and the next refresh waits', async () => {
      await cache.getOrSet('a', () => 1, options);
      await clock.advance(20_000);
      const failing = jest.fn(() => Promise.reject(new Error('down')));
      expect(await cache.getOrSet('a', failing, options)).toBe(1);
      await clock.advance(60_000);
      await expect(cache.getOrSet('a', failing, options)).rejects.toThrow('down');
    });

    it('back off after a failed refresh', async () => {
      await cache.getOrSet('a', () => 1, options);
      await clock.advance(10_000);
      const failing = jest.fn(() => Promise.reject(new Error('down')));
      for (let i = 0; i < 5; i++) {
        expect(await cache.getOrSet('a', failing, options)).toBe(1);
        await cache.settled();
      }
      expect(failing).toHaveBeenCalledTimes(1);
      await clock.advance(1_000);
      await cache.getOrSet('a', failing, options);
      await cache.settled();
      expect(failing).toHaveBeenCalledTimes(2);
    });

    it('are never served once invalidated', async () => {
      await cache.getOrSet('a', () => 1, { ...options, tags: ['t'] });
      await clock.advance(10_000);
      await strata.invalidateTags(['t']);
      await expect(
        cache.getOrSet('a', () => Promise.reject(new Error('down')), { ...options, tags: ['t'] }),
      ).rejects.toThrow('down');
    });

    it('back off also when the failed refresh itself is answered with the stale value', async () => {
      const both = { ttl: '10s', staleWhileRevalidate: '30s', staleIfError: '60s' };
      await cache.getOrSet('a', () => 1, both);
      await clock.advance(10_000);
      const failing = jest.fn(() => Promise.reject(new Error('down')));
      for (let i = 0; i < 5; i++) {
        await cache.getOrSet('a', failing, both);
        await cache.settled();
      }
      expect(failing).toHaveBeenCalledTimes(1);
      expect(cache.counters.stale.served).toBe(5);
    });

    it('stand in for one failed load for all callers, and for a while afterwards', async () => {
      await cache.getOrSet('a', () => 1, options);
      await cache.expire('a');
      const failing = jest.fn(() => Promise.reject(new Error('down')));
      expect(await Promise.all(Array.from({ length: 20 }, () => cache.getOrSet('a', failing, options)))).toEqual(
        Array(20).fill(1),
      );
      expect(failing).toHaveBeenCalledTimes(1);
      await cache.getOrSet('a', failing, options);
      expect(failing).toHaveBeenCalledTimes(1);
      await clock.advance(1_000);
      await cache.getOrSet('a', failing, options);
      expect(failing).toHaveBeenCalledTimes(2);
    });

    it('are not asked for again and again when the source has nothing any more', async () => {
      await cache.getOrSet('a', () => 1, options);
      await clock.advance(10_000);
      const empty = jest.fn(() => undefined);
      for (let i = 0; i < 5; i++) {
        await cache.getOrSet('a', empty, options);
        await cache.settled();
      }
      expect(empty).toHaveBeenCalledTimes(1);
    });

    it('are nothing for a plain get, which could not renew them, and which waits for no load', async () => {
      await cache.getOrSet('a', () => 1, options);
      await clock.advance(10_000);
      expect(await cache.get('a')).toBeUndefined();
      const gate = new Gate();
      const load = cache.getOrSet('b', async () => (await gate.pass(), Promise.reject(new Error('loader'))));
      await gate.reached;
      expect(await cache.get('b')).toBeUndefined();
      gate.release();
      await expect(load).rejects.toThrow('loader');
    });

    it('do not stand in for an error that the cache says is final', async () => {
      const strict = strata.cache('strict', { isStaleAllowed: (error) => (error as Error).message !== 'forbidden' });
      await strict.getOrSet('a', () => 1, options);
      await clock.advance(20_000);
      await expect(strict.getOrSet('a', () => Promise.reject(new Error('forbidden')), options)).rejects.toThrow(
        'forbidden',
      );
      expect(await strict.getOrSet('a', () => Promise.reject(new Error('down')), options)).toBe(1);
    });

    it('after expire() serve for staleIfError only', async () => {
      await cache.getOrSet('a', () => 1, options);
      await cache.expire('a');
      expect(await cache.get('a')).toBeUndefined();
      expect(await cache.getOrSet('a', () => Promise.reject(new Error('down')), options)).toBe(1);
      await clock.advance(1_000);
      expect(await cache.getOrSet('a', () => 2, options)).toBe(2);
    });
  });

  it('rejects a load over hardTimeout and aborts its signal', async () => {
    let signal: AbortSignal | undefined;
    const read = cache.getOrSet('a', (context) => ((signal = context.signal), new Promise(() => undefined)), {
      hardTimeout: 100,
    });
    const rejected = expect(read).rejects.toMatchObject({ code: 'LOAD_TIMEOUT' });
    await settle();
    await clock.advance(100);
    await rejected;
    expect(signal!.aborted).toBe(true);
  });

  it('lets a loader set ttl and tags, decline to store, and see the stale value', async () => {
    await cache.getOrSet('a', ({ setOptions, addTags }) => (setOptions({ ttl: '1s' }), addTags('t'), 1));
    await clock.advance(1_000);
    expect(await cache.get('a')).toBeUndefined();
    await cache.getOrSet('b', ({ doNotStore }) => (doNotStore(), 1));
    expect(await cache.get('b')).toBeUndefined();
    await cache.getOrSet('c', () => 'first', { ttl: '1s', staleIfError: '10s' });
    await clock.advance(1_000);
    const seen = jest.fn();
    await cache.getOrSet('c', ({ stale }) => (seen(stale), 'second'));
    expect(seen).toHaveBeenCalledWith('first');
  });

  it('spreads stored lives by the jitter', async () => {
    const jittered = strata.cache('jitter', { ttl: 1_000, ttlJitter: 0.5 });
    for (let i = 0; i < 50; i++) await jittered.set(`k${i}`, i);
    const told = await Promise.all(Array.from({ length: 50 }, (_, i) => jittered.explain(`k${i}`)));
    const lives = told.map(({ L1 }) => L1.ttlMs!);
    expect(Math.min(...lives)).toBeGreaterThanOrEqual(500);
    expect(Math.max(...lives)).toBeLessThanOrEqual(1_500);
    expect(new Set(lives).size).toBeGreaterThan(40);
  });

  it('lists every wrong option in one error', () => {
    expect(() => strata.cache('bad', { ttl: 'soon', ttlJitter: 2, maxEntries: 0 })).toThrow(
      expect.objectContaining({
        code: 'INVALID_OPTIONS',
        message: expect.stringMatching(/ttl:.*ttlJitter:.*maxEntries:/),
      }),
    );
    expect(() => strata.cache('Bad Name')).toThrow(CacheError);
    expect(() => strata.cache('bad', { loadLease: 0 })).toThrow(/loadLease: 0 is less than a millisecond/);
  });

  it('does not store a set whose version belongs to an epoch that ended meanwhile', async () => {
    strata.on((event) => event.name === 'invalidate' && strata.state.learnEpoch('2222222222222222'));
    await cache.set('a', 'v1');
    expect(cache.localUsage.size).toBe(0);
  });

  it('a second user of a named cache cannot bring another serializer', () => {
    expect(() => strata.cache('test', { serializer: { ...jsonSerializer, id: 9 } })).toThrow(/another serializer/);
    expect(strata.cache('test')).toBe(cache);
  });

  it('a value with too many tags is returned and not stored', async () => {
    const many = Array.from({ length: 1_100 }, (_, i) => `t${i}`);
    expect(await cache.getOrSet('a', ({ addTags }) => (addTags(...many), 1))).toBe(1);
    expect(await cache.get('a')).toBeUndefined();
  });

  it('a throwing listener does not fail a read', async () => {
    const names: string[] = [];
    strata.on(() => {
      throw new Error('listener');
    });
    strata.on((event) => names.push(event.name));
    await cache.set('a', 1);
    expect(await cache.get('a')).toBe(1);
    expect(names).toContain('hit');
  });
});
