import { Strata } from '../core/strata';
import { LruLocalStore } from '../drivers/memory/lru-local-store';
import { busContract, FakeClock, Gate, MemoryFleet, remoteStoreContract, settle } from '.';

describe('MemoryFleet', () => {
  it.each(remoteStoreContract.map(({ name, run }) => [name, run] as const))('%s', async (_name, run) => {
    await run(new MemoryFleet(new FakeClock()).remote());
  });

  it.each(busContract.map(({ name, run }) => [name, run] as const))('%s', async (_name, run) => {
    const fleet = new MemoryFleet(new FakeClock());
    await run(async () => ({ remote: fleet.remote(), bus: fleet.bus() }));
  });

  const LEASE_MS = 1_000;

  async function fleetOf(count: number) {
    const clock = new FakeClock();
    const fleet = new MemoryFleet(clock);
    const instances = Array.from({ length: count }, () => {
      const strata = new Strata({
        remote: fleet.remote(),
        bus: fleet.bus(),
        createLocalStore: (bounds, listener) => new LruLocalStore(bounds, listener, clock),
        leaseMs: LEASE_MS,
        clock,
      });
      return { strata, cache: strata.cache('test', { ttl: '1h' }) };
    });
    const started = Promise.all(instances.map(({ strata }) => strata.start()));
    await clock.advance(2 * LEASE_MS);
    await started;
    return { clock, fleet, instances };
  }

  it('an invalidation returns when the other instance has applied it, in no time of the clock', async () => {
    const { clock, instances } = await fleetOf(2);
    const [a, b] = instances as [(typeof instances)[0], (typeof instances)[0]];
    await a.cache.getOrSet('k', () => 'old', { tags: ['t'] });
    await a.cache.settled();
    expect(await b.cache.get('k', { tags: ['t'] })).toBe('old');
    const before = clock.monotonic();
    await a.strata.invalidateTags(['t']);
    expect(clock.monotonic()).toBe(before);
    expect(b.cache.peek('k', { tags: ['t'] })).toBeUndefined();
  });

  it('a write while an instance is deaf waits one lease, and that instance has no lease left by then', async () => {
    const { clock, fleet, instances } = await fleetOf(2);
    const [a, b] = instances as [(typeof instances)[0], (typeof instances)[0]];
    await a.cache.getOrSet('k', () => 'old', { tags: ['t'] });
    await a.cache.settled();
    await b.cache.get('k', { tags: ['t'] });
    const listeners = (fleet as unknown as { listeners: Map<string, unknown> }).listeners;
    listeners.delete(b.strata.member);
    let returned = false;
    const write = a.strata.invalidateTags(['t']).then(() => (returned = true));
    await settle();
    await clock.advance(LEASE_MS - 1);
    expect(returned).toBe(false);
    await clock.advance(1);
    await write;
    expect(b.strata.state.leaseHeld).toBe(false);
    expect(b.cache.peek('k', { tags: ['t'] })).toBeUndefined();
  });

  it('after an empty restart nothing from before is served, whatever its number', async () => {
    const { clock, fleet, instances } = await fleetOf(2);
    const [a, b] = instances as [(typeof instances)[0], (typeof instances)[0]];
    for (let i = 0; i < 50; i++) await a.strata.invalidateTags(['noise']);
    await a.cache.getOrSet('k', () => 'old', { tags: ['t'] });
    await a.cache.settled();
    expect(await b.cache.get('k', { tags: ['t'] })).toBe('old');
    fleet.restartEmpty();
    await clock.advance(2 * LEASE_MS);
    await a.strata.invalidateTags(['t']);
    expect(await b.cache.getOrSet('k', () => 'new', { tags: ['t'] })).toBe('new');
    expect(await a.cache.getOrSet('k', () => 'x', { tags: ['t'] })).toBe('new');
  });

  it('one loader in the fleet; when it dies its turn passes on', async () => {
    const { clock, instances } = await fleetOf(2);
    const [a, b] = instances as [(typeof instances)[0], (typeof instances)[0]];
    const stuck = new Gate();
    void a.cache.getOrSet('k', async () => (await stuck.pass(), 'a')).catch(() => undefined);
    await stuck.reached;
    const loader = jest.fn(() => 'b');
    const waiting = b.cache.getOrSet('k', loader);
    await clock.advance(1_000);
    expect(loader).not.toHaveBeenCalled();
    await clock.advance(10_000);
    expect(await waiting).toBe('b');
    stuck.release();
  });
});
