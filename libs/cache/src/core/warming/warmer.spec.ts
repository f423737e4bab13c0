import { FakeClock, Gate, localStrata, MemoryFleet, settle } from '../../testing';
import type { CacheOptions } from '../options';
import type { HotKey, HotKeyStore } from '../ports/hot-key-store';
import { HotKeys } from './hot-keys';
import { resolveWarmOptions, type WarmOptions } from './options';
import { Warmer } from './warmer';

/** Remembers what it was told; may be away. */
class Remembered implements HotKeyStore {
  readonly heat = new Map<string, number>();
  away = false;
  adds = 0;

  async add(_cache: string, hot: readonly HotKey[]): Promise<void> {
    this.adds++;
    if (this.away) throw new Error('away');
    for (const { key, heat } of hot) this.heat.set(key, (this.heat.get(key) ?? 0) + heat);
  }

  async hottest(_cache: string, count: number): Promise<readonly string[]> {
    if (this.away) throw new Error('away');
    return [...this.heat]
      .sort(([, a], [, b]) => b - a)
      .slice(0, count)
      .map(([key]) => key);
  }
}

function setUp(options: WarmOptions = {}, keys: readonly string[] = [], cacheOptions: CacheOptions<string> = {}) {
  const clock = new FakeClock();
  const store = new Remembered();
  keys.forEach((key, index) => store.heat.set(key, keys.length - index));
  const resolved = resolveWarmOptions(options);
  const hotKeys = new HotKeys(store, resolved, clock);
  const fleet = new MemoryFleet(clock);
  const { strata } = localStrata({ clock, remote: fleet.remote(), observeReads: (cache) => hotKeys.observer(cache) });
  const cache = strata.cache<string>('items', cacheOptions);
  const worth = { it: true };
  const isWorthIt = (): boolean => worth.it;
  const warmer = new Warmer({ caches: () => [cache as never], hotKeys, options: resolved, clock, isWorthIt });
  return { clock, store, hotKeys, fleet, strata, cache, warmer, worth };
}

describe('warming', () => {
  it('loads the hottest keys first, at most so many at a time, and counts no look-up', async () => {
    const { cache, warmer } = setUp({ loadsAtOnce: 2 }, ['a', 'b', 'c', 'd']);
    const begun: string[] = [];
    const gates = new Map(['a', 'b', 'c', 'd'].map((key) => [key, new Gate()]));
    warmer.register<string>('items', (key) => ({
      loader: async () => {
        begun.push(key);
        await gates.get(key)!.pass();
        return key.toUpperCase();
      },
    }));
    const done = warmer.run();
    await settle();
    expect(begun).toEqual(['a', 'b']);
    expect(warmer.progress).toMatchObject({ state: 'running', known: 4, loaded: 0 });
    gates.get('b')!.release();
    await settle();
    expect(begun).toEqual(['a', 'b', 'c']);
    for (const gate of gates.values()) gate.release();
    await expect(done).resolves.toMatchObject({ state: 'done', known: 4, loaded: 4, left: 0, failed: 0 });
    expect(cache.counters.local).toMatchObject({ hits: 0, misses: 0 });
    expect(cache.peek('d')).toBe('D');
  });

  it('takes from L2 what is there, leaves alone what L1 has, passes over what nobody can load', async () => {
    const { strata, fleet, clock, cache, warmer } = setUp({}, ['there', 'here', 'unknown']);
    const other = localStrata({ clock, remote: fleet.remote() }).strata.cache<string>('items');
    await other.set('there', 'from L2');
    await cache.getOrSet('here', () => 'own');
    await strata.all()[0]!.settled();
    const loaded = jest.fn();
    warmer.register('items', (key) => (key === 'unknown' ? undefined : { loader: loaded }));
    await expect(warmer.run()).resolves.toMatchObject({ already: 1, fromL2: 1, passedOver: 1, loaded: 0, left: 0 });
    expect(loaded).not.toHaveBeenCalled();
    expect(cache.peek('there')).toBe('from L2');
  });

  it('goes on after a load that fails, and after one that declines', async () => {
    const { warmer, cache } = setUp({ loadsAtOnce: 1 }, ['broken', 'gone', 'fine']);
    warmer.register<string>('items', (key) => ({
      loader: (loading) => {
        if (key === 'broken') throw new Error('boom');
        if (key === 'gone') loading.doNotStore();
        return key;
      },
    }));
    await expect(warmer.run()).resolves.toMatchObject({ failed: 1, passedOver: 1, loaded: 1, left: 0 });
    expect(cache.peek('fine')).toBe('fine');
    expect(cache.peek('gone')).toBeUndefined();
    expect(warmer.totals).toMatchObject({ failed: 1, passedOver: 1, loaded: 1 });
  });

  it('ends when its time is over, whatever hangs, says what is left, and may be started again', async () => {
    const { warmer, clock, cache } = setUp({ loadsAtOnce: 1, timeLimit: '1s' }, ['a', 'b', 'c']);
    const gate = new Gate();
    const begun: string[] = [];
    warmer.register<string>('items', (key) => ({
      loader: async () => {
        begun.push(key);
        await gate.pass();
        return key;
      },
    }));
    const done = warmer.run();
    await settle();
    await clock.advance(1_000);
    await expect(done).resolves.toMatchObject({ state: 'done', loaded: 0, left: 3, tookMs: 1_000 });
    gate.release();
    await cache.settled();
    expect(begun).toEqual(['a']);
    // What came late is kept, and counted by nobody.
    expect(warmer.progress).toMatchObject({ loaded: 0, left: 3 });
    await expect(warmer.run()).resolves.toMatchObject({ already: 1, loaded: 2, left: 0 });
  });

  it('survives a key that is none and a warmer that throws: each is one failure', async () => {
    const { warmer, cache } = setUp({}, ['', 'cursed', 'fine']);
    warmer.register<string>('items', (key) => {
      if (key === 'cursed') throw new Error('boom');
      return { loader: () => key };
    });
    await expect(warmer.run()).resolves.toMatchObject({ state: 'done', failed: 2, loaded: 1, left: 0 });
    expect(cache.peek('fine')).toBe('fine');
  });

  it.each([
    ['entries', { maxEntries: 20 }],
    ['bytes', { maxBytes: 15_000 }],
  ])('stops when L1 is full of the hottest, by %s: none is pushed out by a colder one', async (_what, bounds) => {
    const keys = Array.from({ length: 100 }, (_, n) => `key ${n}`);
    const { warmer, cache } = setUp({ readsAtOnce: 8 }, keys, bounds);
    warmer.register<string>('items', (key) => ({ loader: () => key }));
    const progress = await warmer.run();
    expect(progress.loaded).toBeGreaterThan(5);
    expect(progress.left).toBe(100 - progress.loaded);
    expect(cache.counters.local.evictions).toBe(0);
    for (const key of keys.slice(0, 5)) expect(cache.holds(key)).toBe(true);
  });

  it('fills an L1 that is full of what is dead or colder, and counts what is there already', async () => {
    const { warmer, cache, clock } = setUp({}, ['held', 'a', 'b'], { maxEntries: 20, ttl: '10s' });
    for (let n = 0; n < 19; n++) await cache.getOrSet(`old ${n}`, () => 'old');
    await clock.advance(11_000);
    await cache.getOrSet('held', () => 'held');
    warmer.register<string>('items', (key) => (key.startsWith('old') ? undefined : { loader: () => key }));
    await expect(warmer.run()).resolves.toMatchObject({ already: 1, loaded: 2, left: 0 });
    for (const key of ['held', 'a', 'b']) expect(cache.holds(key)).toBe(true);
  });

  it('keeps a place for hotter keys that are still to be loaded, while L2 could fill L1 alone', async () => {
    const keys = ['hottest', ...Array.from({ length: 40 }, (_, n) => `key ${n}`)];
    const { warmer, cache, fleet, clock } = setUp({}, keys, { maxEntries: 20 });
    const other = localStrata({ clock, remote: fleet.remote() }).strata.cache<string>('items');
    for (const key of keys.slice(1)) await other.set(key, key);
    warmer.register<string>('items', (key) => (key === 'hottest' ? { loader: () => key } : undefined));
    const { fromL2, loaded } = await warmer.run();
    expect(loaded).toBe(1);
    expect(fromL2).toBeGreaterThan(10);
    expect(cache.holds('hottest')).toBe(true);
    expect(cache.counters.local.evictions).toBe(0);
  });

  it('leaves the rest when nothing would be kept any more', async () => {
    const { warmer, worth } = setUp({ loadsAtOnce: 1 }, ['a', 'b', 'c']);
    const loaded: string[] = [];
    warmer.register<string>('items', (key) => ({
      loader: () => {
        loaded.push(key);
        worth.it = false;
        return key;
      },
    }));
    await expect(warmer.run()).resolves.toMatchObject({ loaded: 1, left: 2 });
    expect(loaded).toEqual(['a']);
  });

  it('keeps a copy from L2 no longer than the route would', async () => {
    const { warmer, fleet, clock, cache } = setUp({}, ['a']);
    const other = localStrata({ clock, remote: fleet.remote() }).strata.cache<string>('items');
    await other.set('a', 'A');
    warmer.register<string>('items', () => ({ loader: () => 'anew', options: { localTtl: 50 } }));
    await expect(warmer.run()).resolves.toMatchObject({ fromL2: 1 });
    expect(cache.peek('a')).toBe('A');
    await clock.advance(60);
    expect(cache.peek('a')).toBeUndefined();
  });

  it('joins a warming that is under way', async () => {
    const { warmer } = setUp({}, ['a']);
    const gate = new Gate();
    const loader = jest.fn(async () => {
      await gate.pass();
      return 'A';
    });
    warmer.register('items', () => ({ loader }));
    const [first, second] = [warmer.run(), warmer.run()];
    await settle();
    gate.release();
    expect(await first).toEqual(await second);
    expect(loader).toHaveBeenCalledTimes(1);
  });

  it('does not keep a value whose tag is invalidated while it is loaded for warming', async () => {
    const { warmer, strata, cache } = setUp({}, ['a']);
    const gate = new Gate();
    warmer.register<string>('items', () => ({
      loader: async () => {
        await gate.pass();
        return 'old';
      },
      options: { tags: ['t'] },
    }));
    const done = warmer.run();
    await settle();
    await strata.invalidateTags(['t']);
    gate.release();
    await done;
    expect(cache.peek('a', { tags: ['t'] })).toBeUndefined();
  });

  it('tells what is read every now and then, and at the end; nothing is lost while the store is away', async () => {
    const { clock, store, hotKeys, cache } = setUp({ saveEvery: '30s' });
    hotKeys.start();
    await cache.getOrSet('a', () => 'A');
    cache.peek('a');
    store.away = true;
    await clock.advance(30_000);
    expect(store.adds).toBe(1);
    expect(store.heat.size).toBe(0);
    store.away = false;
    cache.peek('b');
    await clock.advance(30_000);
    expect(Object.fromEntries(store.heat)).toEqual({ a: 2, b: 1 });
    cache.peek('b');
    await hotKeys.stop();
    expect(Object.fromEntries(store.heat)).toEqual({ a: 2, b: 2 });
    await clock.advance(120_000);
    expect(store.adds).toBe(3);
  });

  it('waits at the end for a save that is under way, tells what has come since, and begins no other', async () => {
    const { clock, store, hotKeys, cache } = setUp({ saveEvery: '30s' });
    const gate = new Gate();
    const add = store.add.bind(store);
    store.add = async (name, hot) => {
      await gate.pass();
      return add(name, hot);
    };
    hotKeys.start();
    cache.peek('a');
    await clock.advance(30_000);
    cache.peek('b');
    const stopped = hotKeys.stop();
    gate.release();
    await stopped;
    expect(Object.fromEntries(store.heat)).toEqual({ a: 1, b: 1 });
    expect(clock.timers).toBe(0);
  });

  it('tells again only the part that could not be told', async () => {
    const { store, hotKeys, cache } = setUp();
    for (let n = 0; n < 700; n++) cache.peek(`key ${n}`);
    const add = store.add.bind(store);
    let calls = 0;
    store.add = async (name, hot) => {
      if (++calls === 2) throw new Error('away');
      return add(name, hot);
    };
    await hotKeys.save();
    await hotKeys.save();
    expect(store.heat.size).toBe(700);
    expect([...store.heat.values()].every((heat) => heat === 1)).toBe(true);
  });

  it('is done at once when nobody remembers anything', async () => {
    const { warmer, store } = setUp({}, ['a']);
    store.away = true;
    await expect(warmer.run()).resolves.toMatchObject({ state: 'done', known: 0 });
  });

  it.each([
    [{ keys: -1 }, /warm\.keys: -1 is not a whole number from 0 to 10000/],
    [{ keys: '5m' as never }, /warm\.keys: "5m"/],
    [{ loadsAtOnce: 0.5 }, /warm\.loadsAtOnce: 0\.5 is not a whole number from 1/],
    [{ saveEvery: '30d' }, /warm\.saveEvery: "30d" is not a duration from 1 to 2147483647/],
    [{ timeLimit: 'soon' as never, readyWithin: NaN }, /warm\.timeLimit: "soon".*; warm\.readyWithin/],
    [{ toString: 5 } as never, /warm\.toString is not known/],
    [{ key: 5 } as never, /warm\.key is not known; there are keys, /],
  ])('refuses %j', (options, message) => {
    expect(() => resolveWarmOptions(options)).toThrow(message);
  });
});
