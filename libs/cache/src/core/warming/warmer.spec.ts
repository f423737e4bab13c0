import { FakeClock, Gate, localStrata, MemoryFleet, settle } from '../../testing';
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

function setUp(options: WarmOptions = {}, keys: readonly string[] = []) {
  const clock = new FakeClock();
  const store = new Remembered();
  keys.forEach((key, index) => store.heat.set(key, keys.length - index));
  const resolved = resolveWarmOptions(options);
  const hotKeys = new HotKeys(store, resolved, clock);
  const fleet = new MemoryFleet(clock);
  const { strata } = localStrata({ clock, remote: fleet.remote(), observeReads: (cache) => hotKeys.observer(cache) });
  const cache = strata.cache<string>('items');
  const warmer = new Warmer(() => [cache as never], hotKeys, resolved, clock);
  return { clock, store, hotKeys, fleet, strata, cache, warmer };
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

  it('begins nothing more when its time is over, and says what is left', async () => {
    const { warmer, clock } = setUp({ loadsAtOnce: 1, timeLimit: '1s' }, ['a', 'b', 'c']);
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
    gate.release();
    await expect(done).resolves.toMatchObject({ loaded: 1, left: 2, tookMs: 1_000 });
    expect(begun).toEqual(['a']);
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

  it('is done at once when nobody remembers anything', async () => {
    const { warmer, store } = setUp({}, ['a']);
    store.away = true;
    await expect(warmer.run()).resolves.toMatchObject({ state: 'done', known: 0 });
  });

  it.each([
    [{ keys: -1 }, /warm\.keys: -1/],
    [{ loadsAtOnce: 0 }, /warm\.loadsAtOnce: 0 is not a number or duration from 1/],
    [{ timeLimit: 'soon' as never, readyWithin: NaN }, /warm\.readyWithin.*; warm\.timeLimit: "soon"/],
  ])('refuses %j', (options, message) => {
    expect(() => resolveWarmOptions(options)).toThrow(message);
  });
});
