import { LruLocalStore } from '../drivers/memory/lru-local-store';
import { FakeClock, Gate, localStrata, MemoryFleet } from '../testing';
import { Strata } from './strata';
import type { TieredCache } from './tiered-cache';

let clock: FakeClock;
let fleet: MemoryFleet;
let instances: Strata[];
let near: TieredCache<string>;
let far: TieredCache<string>;

beforeEach(async () => {
  clock = new FakeClock();
  fleet = new MemoryFleet(clock);
  instances = [0, 1].map(
    () =>
      new Strata({
        remote: fleet.remote(),
        bus: fleet.bus(),
        createLocalStore: (bounds, listener) => new LruLocalStore(bounds, listener, clock),
        clock,
      }),
  );
  const starting = Promise.all(instances.map((strata) => strata.start()));
  await clock.advance(5_000);
  await starting;
  [near, far] = instances.map((strata) => strata.cache<string>('puts')) as [TieredCache<string>, TieredCache<string>];
});

afterEach(async () => void (await Promise.all(instances.map((strata) => strata.close()))));

describe('put', () => {
  it('keeps what was written, everywhere, in place of what was there', async () => {
    await far.getOrSet('k', () => 'old', { tags: ['t'] });
    const put = await near.put('k', () => 'new', { tags: ['t'] });
    expect(put).toEqual({ value: 'new', stored: true, deferred: false });
    await near.settled();
    expect(await near.get('k')).toBe('new');
    expect(await far.get('k')).toBe('new');
    await instances[1]!.invalidateTags(['t']);
    expect(await near.get('k')).toBeUndefined();
  });

  it('keeps nothing when another write of the key ended while it ran', async () => {
    const gate = new Gate();
    const slow = near.put('k', async () => {
      await gate.pass();
      return 'committed first';
    });
    await gate.reached;
    expect(await far.put('k', () => 'committed last')).toMatchObject({ stored: true });
    gate.release();
    expect(await slow).toMatchObject({ value: 'committed first', stored: false });
    await Promise.all([near.settled(), far.settled()]);
    expect(await near.getOrSet('k', () => 'loaded')).toBe('loaded');
  });

  it.each([
    ['declared', { tags: ['t'] }, undefined],
    ['learnt', {}, () => ({ tags: ['t'] })],
  ])('keeps nothing when a tag that is %s was invalidated while it ran', async (_how, options, learn) => {
    await far.getOrSet('other', () => 'x', { tags: ['t'] });
    const gate = new Gate();
    const slow = near.put(
      'k',
      async () => {
        await gate.pass();
        return 'v';
      },
      options,
      learn,
    );
    await gate.reached;
    await instances[1]!.invalidateTags(['t']);
    gate.release();
    expect(await slow).toMatchObject({ stored: false, deferred: false });
    expect(await far.get('k')).toBeUndefined();
  });

  it('does not make readers of the key wait for it', async () => {
    const gate = new Gate();
    const slow = near.put('k', async () => {
      await gate.pass();
      return 'written';
    });
    await gate.reached;
    expect(await far.getOrSet('k', () => 'before the write')).toBe('before the write');
    gate.release();
    await slow;
    await near.settled();
    expect(await far.get('k')).toBe('written');
  });

  it('evicts nothing and hands on the error when the write fails', async () => {
    await near.getOrSet('k', () => 'old');
    await expect(near.put('k', () => Promise.reject(new Error('refused')))).rejects.toThrow('refused');
    expect(await near.get('k')).toBe('old');
  });

  it('is deferred, and kept nowhere, while L2 is away', async () => {
    await near.set('k', 'old');
    fleet.reachable = false;
    expect(await near.put('k', () => 'new')).toEqual({ value: 'new', stored: false, deferred: true });
    expect(await near.getOrSet('k', () => 'loaded')).toBe('loaded');
  });

  it('works with L1 alone', async () => {
    const { strata } = localStrata();
    const cache = strata.cache<string>('alone');
    const gate = new Gate();
    const slow = cache.put('k', async () => {
      await gate.pass();
      return 'first';
    });
    await gate.reached;
    expect(await cache.put('k', () => 'last')).toMatchObject({ stored: true });
    gate.release();
    expect(await slow).toMatchObject({ stored: false });
    expect(await cache.put('k', () => 'third')).toMatchObject({ stored: true });
    expect(await cache.get('k')).toBe('third');
  });
});
