import { LruLocalStore } from '../drivers/memory/lru-local-store';
import { chaosStore, FakeClock, Gate, MemoryFleet, settle, type StoreChaos } from '../testing';
import { Strata } from './strata';
import type { TieredCache } from './tiered-cache';

/**
 * Defects that other caches were seen to have when they were run (bentocache 1.6, cacheable 2.5, cache-manager
 * 7.2, cachified 5.6, async-cache-dedupe 3.4, layered-loader 16.1). Each test names one; ours has none.
 */
describe('defects of other caches', () => {
  let clock: FakeClock;
  let fleet: MemoryFleet;
  let near: TieredCache;
  let far: TieredCache;
  let nearChaos: StoreChaos;
  let farChaos: StoreChaos;
  let instances: Strata[];

  beforeEach(async () => {
    clock = new FakeClock();
    fleet = new MemoryFleet(clock);
    [nearChaos, farChaos] = [{}, {}];
    instances = [nearChaos, farChaos].map((chaos) => instance(chaos));
    const starting = Promise.all(instances.map((one) => one.start()));
    await clock.advance(5_000);
    await starting;
    [near, far] = instances.map((one) => one.cache('test', { ttl: '1h' })) as [TieredCache, TieredCache];
  });

  afterEach(async () => void (await Promise.all(instances.map((one) => one.close()))));

  function instance(chaos: StoreChaos): Strata {
    return new Strata({
      remote: chaosStore(fleet.remote(), chaos),
      bus: fleet.bus(),
      createLocalStore: (bounds, listener) => new LruLocalStore(bounds, listener, clock),
      clock,
    });
  }

  describe.each<[string, (cache: TieredCache) => Promise<unknown>]>([
    ['key', (cache) => cache.delete('k')],
    ['tag', () => instances[0]!.invalidateTags(['t'])],
    ['cache', (cache) => cache.clear()],
  ])('the old value stays after its %s was invalidated during the load', (_what, invalidate) => {
    it.each(['here', 'on another instance'])('invalidated %s', async (where) => {
      const gate = new Gate();
      let source = 'v1';
      const load = async (): Promise<string> => {
        const read = source;
        await gate.pass();
        return read;
      };
      const loading = near.getOrSet('k', load, { tags: ['t'] });
      await gate.reached;
      source = 'v2';
      await invalidate(where === 'here' ? near : far);
      gate.release();
      await loading;
      await near.settled();
      for (const cache of [near, far, near])
        expect(await cache.getOrSet('k', () => source, { tags: ['t'] })).toBe('v2');
    });
  });

  it('a value read from L2 before a write is put into L1 after it, for its whole life', async () => {
    await near.set('k', 'old');
    const gate = new Gate();
    farChaos.after = (operation) => (operation === 'read' ? gate.pass() : undefined);
    const reading = far.get('k');
    await gate.reached;
    await near.set('k', 'new');
    gate.release();
    await reading;
    delete farChaos.after;
    expect(await far.get('k')).toBe('new');
  });

  it('what was deleted while L2 was away comes back with it', async () => {
    await near.set('k', 'old');
    fleet.reachable = false;
    expect(await near.delete('k')).toMatchObject({ deferred: true });
    fleet.reachable = true;
    expect(await near.get('k')).toBeUndefined();
    await clock.advance(3_000);
    for (const cache of [near, far]) expect(await cache.get('k')).toBeUndefined();
  });

  it('a read under way while a deferred delete is delivered sees what was deleted', async () => {
    await near.set('k', 'old');
    near.clearLocal();
    fleet.reachable = false;
    await near.delete('k');
    fleet.reachable = true;
    const gate = new Gate();
    nearChaos.after = (operation) => (operation === 'read' ? gate.pass() : undefined);
    const reading = near.getOrSet('k', () => 'new');
    await gate.reached;
    await clock.advance(3_000);
    expect(instances[0]!.deferredTags).toBe(0);
    gate.release();
    expect(await reading).toBe('new');
  });

  it('a tag whose marker was evicted makes what it had invalidated valid again', async () => {
    await near.getOrSet('k', () => 'old', { tags: ['t'] });
    await near.settled();
    await instances[0]!.invalidateTags(['t']);
    fleet.evictTag('t:t');
    for (const cache of [near, far]) expect(await cache.getOrSet('k', () => 'new', { tags: ['t'] })).toBe('new');
  });

  it('the loader is not shown the stale value while it is served', async () => {
    const seen: unknown[] = [];
    const options = { ttl: 100, staleWhileRevalidate: '1h' };
    await near.getOrSet('k', () => 'old', options);
    await near.settled();
    await clock.advance(200);
    expect(await near.getOrSet('k', ({ stale }) => (seen.push(stale), 'new'), options)).toBe('old');
    await near.settled();
    expect(seen).toEqual(['old']);
  });

  it.each(['staleWhileRevalidate', 'staleIfError'])('a short %s cuts the ttl', async (window) => {
    await near.getOrSet('k', () => 'v', { ttl: '1h', [window]: 60 });
    await near.settled();
    await clock.advance(3_500_000);
    for (const cache of [near, far]) expect(await cache.get('k')).toBe('v');
  });

  it('a failing loader runs once for each of its callers', async () => {
    const loader = jest.fn(async () => {
      await settle();
      throw new Error('down');
    });
    const all = await Promise.allSettled(Array.from({ length: 20 }, () => near.getOrSet('k', loader)));
    expect(all.map((one) => (one as PromiseRejectedResult).reason.message)).toEqual(Array(20).fill('down'));
    expect(loader).toHaveBeenCalledTimes(1);
  });

  it('the error of a loader is swallowed', async () => {
    const error = new TypeError('mine');
    await expect(near.getOrSet('k', () => Promise.reject(error))).rejects.toBe(error);
  });

  it('tags learnt by a loader are added to the array of the caller', async () => {
    const tags = ['declared'];
    await near.getOrSet('k', ({ addTags }) => (addTags('learnt'), 'v'), { tags });
    expect(tags).toEqual(['declared']);
    await near.settled();
    await instances[1]!.invalidateTags(['learnt']);
    expect(await near.get('k')).toBeUndefined();
  });

  it('an L2 hit of get does not fill L1', async () => {
    await near.set('k', 'v');
    expect(await far.get('k')).toBe('v');
    expect(far.peek('k')).toBe('v');
  });

  it('filling L1 from L2 begins a new life', async () => {
    await near.getOrSet('k', () => 'v', { ttl: 3_000 });
    await near.settled();
    await clock.advance(2_900);
    expect(await far.get('k')).toBe('v');
    await clock.advance(200);
    expect(await far.get('k')).toBeUndefined();
  });

  it('a fast miss of L1 is taken for a miss although L2 has the value', async () => {
    await near.set('k', 'v');
    near.clearLocal();
    const gate = new Gate();
    nearChaos.before = (operation) => (operation === 'read' ? gate.pass() : undefined);
    const reading = near.get('k');
    await gate.reached;
    gate.release();
    expect(await reading).toBe('v');
  });

  it('every hit of L1 asks L2 about its tags', async () => {
    await near.getOrSet('k', () => 'v', { tags: ['t'] });
    await near.settled();
    const asked: string[] = [];
    nearChaos.before = (operation) => void asked.push(operation);
    for (let i = 0; i < 10; i++) expect(await near.getOrSet('k', () => 'x', { tags: ['t'] })).toBe('v');
    expect(asked).toEqual([]);
  });
});
