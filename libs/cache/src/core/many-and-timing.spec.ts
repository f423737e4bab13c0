import { Gate, localStrata, settle, type FakeClock } from '../testing';
import type { Strata } from './strata';
import type { TieredCache } from './tiered-cache';

describe('many keys at once, and time', () => {
  let strata: Strata;
  let clock: FakeClock;
  let cache: TieredCache;
  const upper = jest.fn(async (keys: readonly string[]) => new Map(keys.map((key) => [key, key.toUpperCase()])));

  beforeEach(() => {
    upper.mockClear();
    ({ strata, clock } = localStrata());
    cache = strata.cache('test', { ttl: '10s' });
  });

  afterEach(async () => {
    await cache.settled();
    await strata.close();
  });

  describe('getOrSetMany', () => {
    it('calls the loader once, with just what is missing', async () => {
      await cache.set('b', 'kept');
      const values = await cache.getOrSetMany(['a', 'b', 'c', 'a'], upper);
      expect(Object.fromEntries(values)).toEqual({ a: 'A', b: 'kept', c: 'C' });
      expect(upper.mock.calls).toEqual([[['a', 'c']]]);
      expect(await cache.get('c')).toBe('C');
    });

    it('shares loads with single reads, both ways', async () => {
      const gate = new Gate();
      const single = jest.fn(async () => (await gate.pass(), 'single'));
      const alone = cache.getOrSet('a', single);
      await gate.reached;
      const many = cache.getOrSetMany(['a', 'b'], upper);
      const other = jest.fn(() => 'other');
      await settle();
      const joined = cache.getOrSet('b', other);
      gate.release();
      expect(await alone).toBe('single');
      expect(Object.fromEntries(await many)).toEqual({ a: 'single', b: 'B' });
      expect(await joined).toBe('B');
      expect(upper.mock.calls).toEqual([[['b']]]);
      expect([single.mock.calls.length, other.mock.calls.length]).toEqual([1, 0]);
    });

    it('gives every key the error of the loader, and keeps nothing', async () => {
      const failure = new Error('down');
      await expect(cache.getOrSetMany(['a', 'b'], () => Promise.reject(failure))).rejects.toBe(failure);
      expect(await cache.getMany(['a', 'b'])).toEqual(new Map());
    });

    it('leaves absent keys out and keeps null as a value', async () => {
      const values = await cache.getOrSetMany(['a', 'b'], () => new Map([['a', null]]));
      expect([...values]).toEqual([['a', null]]);
      expect(await cache.get('a')).toBeNull();
      expect(await cache.get('b')).toBeUndefined();
    });

    it('does not keep a key that was invalidated while the batch was loading', async () => {
      const gate = new Gate();
      const read = cache.getOrSetMany(['a', 'b'], async (keys) => (await gate.pass(), upper(keys)));
      await gate.reached;
      await cache.delete('a');
      gate.release();
      expect(Object.fromEntries(await read)).toEqual({ a: 'A', b: 'B' });
      expect([await cache.get('a'), await cache.get('b')]).toEqual([undefined, 'B']);
    });

    it('of nothing is nothing', async () => {
      expect(await cache.getOrSetMany([], upper)).toEqual(new Map());
      expect(upper).not.toHaveBeenCalled();
    });
  });

  it('setMany and deleteMany treat all keys alike', async () => {
    await cache.setMany(
      new Map([
        ['a', 1],
        ['b', 2],
        ['c', 3],
      ]),
      { tags: ['t'] },
    );
    await cache.deleteMany(['a', 'b']);
    expect(Object.fromEntries(await cache.getMany(['a', 'b', 'c']))).toEqual({ c: 3 });
    await strata.invalidateTags(['t']);
    expect(await cache.getMany(['c'])).toEqual(new Map());
    await expect(
      cache.setMany(
        new Map([
          ['x', 1],
          ['y', undefined],
        ]),
      ),
    ).rejects.toMatchObject({ code: 'ENTRY_REFUSED' });
    expect(await cache.get('x')).toBeUndefined();
  });

  describe('softTimeout', () => {
    const options = { ttl: '10s', staleIfError: '60s', softTimeout: 100 };

    it('serves the stale value when the load takes longer, and the load goes on', async () => {
      await cache.getOrSet('a', () => 'old', options);
      await clock.advance(10_000);
      const gate = new Gate();
      const read = cache.fetch('a', async () => (await gate.pass(), 'new'), options);
      await gate.reached;
      await clock.advance(100);
      expect(await read).toMatchObject({ value: 'old', stale: 'timeout' });
      const second = cache.getOrSet('a', () => 'never asked', { ...options, softTimeout: 0 });
      gate.release();
      expect(await second).toBe('new');
    });

    it('waits for the load when there is nothing stale, or only something invalidated', async () => {
      const gate = new Gate();
      const read = cache.getOrSet('a', async () => (await gate.pass(), 'first'), options);
      await gate.reached;
      await clock.advance(1_000);
      gate.release();
      expect(await read).toBe('first');
      await cache.expire('a');
      const later = new Gate();
      const again = cache.getOrSet('a', async () => (await later.pass(), 'second'), options);
      await later.reached;
      await clock.advance(1_000);
      later.release();
      expect(await again).toBe('second');
    });
  });

  it('refreshAhead renews an entry under its readers before it expires, one load at a time', async () => {
    const eager = strata.cache('eager', { ttl: '10s', refreshAhead: 0.8 });
    let n = 0;
    const loader = jest.fn(() => ++n);
    expect(await eager.getOrSet('a', loader)).toBe(1);
    await clock.advance(7_999);
    expect(await eager.getOrSet('a', loader)).toBe(1);
    await eager.settled();
    expect(loader).toHaveBeenCalledTimes(1);
    await clock.advance(1);
    expect(await Promise.all([1, 2, 3].map(() => eager.getOrSet('a', loader)))).toEqual([1, 1, 1]);
    await eager.settled();
    expect(loader).toHaveBeenCalledTimes(2);
    await clock.advance(5_000);
    expect(await eager.getOrSet('a', loader)).toBe(2);
  });

  it('a caller may give up without ending the load for others', async () => {
    const gate = new Gate();
    const abort = new AbortController();
    const impatient = cache.getOrSet('a', async () => (await gate.pass(), 'v'), { signal: abort.signal });
    await gate.reached;
    const patient = cache.getOrSet('a', () => 'other');
    abort.abort(new Error('enough'));
    await expect(impatient).rejects.toThrow('enough');
    gate.release();
    expect(await patient).toBe('v');
  });

  it('peek answers at once from L1, and never loads', async () => {
    expect(cache.peek('a')).toBeUndefined();
    await cache.set('a', 1, { tags: ['t'] });
    expect(cache.peek('a')).toBe(1);
    await strata.invalidateTags(['t']);
    expect(cache.peek('a')).toBeUndefined();
  });

  it('a listener that fails, at once or later, fails nobody', async () => {
    const heard: string[] = [];
    strata.on(() => {
      throw new Error('at once');
    });
    strata.on(() => Promise.reject(new Error('later')));
    strata.on(({ name }) => heard.push(name));
    const unhandled = jest.fn();
    process.once('unhandledRejection', unhandled);
    await expect(cache.getOrSet('a', () => 'A')).resolves.toBe('A');
    await new Promise((resolve) => setImmediate(resolve));
    process.removeListener('unhandledRejection', unhandled);
    expect(heard).toContain('load.success');
    expect(unhandled).not.toHaveBeenCalled();
  });

  it('closing waits ten seconds for a load, not for ever', async () => {
    const other = localStrata();
    void other.strata.cache('test').getOrSet('a', () => new Promise(() => undefined));
    let isClosed = false;
    const closing = other.strata.close().then(() => (isClosed = true));
    await other.clock.advance(9_999);
    expect(isClosed).toBe(false);
    await other.clock.advance(1);
    await closing;
  });
});
