import { LruLocalStore } from '../drivers/memory/lru-local-store';
import { FakeClock, MemoryFleet, settle } from '../testing';
import { Strata } from './strata';
import type { TieredCache } from './tiered-cache';

/** What one instance has expired on purpose, on another one that knows it from L2 alone. */
describe.each([
  ['heard of since it was born', true],
  ['older than the subscription', false],
])('an entry that was expired in L2, %s', (_when, isHeardOf) => {
  const options = { ttl: '1h', staleIfError: '1h', staleWhileRevalidate: '1h' } as const;
  let clock: FakeClock;
  let fleet: MemoryFleet;
  let open: Strata[];
  let reader: TieredCache<unknown>;

  const join = async (): Promise<Strata> => {
    const strata = new Strata({
      remote: fleet.remote(),
      bus: fleet.bus(),
      clock,
      createLocalStore: (bounds, listener) => new LruLocalStore(bounds, listener, clock),
    });
    open.push(strata);
    const started = strata.start();
    await clock.advance(5_000);
    await started;
    return strata;
  };

  beforeEach(async () => {
    clock = new FakeClock();
    fleet = new MemoryFleet(clock);
    open = [];
    const writer = (await join()).cache('c', options);
    const early = isHeardOf ? await join() : undefined;
    await writer.getOrSet('k', () => 'old');
    await writer.settled();
    const expired = writer.expire('k');
    await settle();
    await clock.advance(100);
    await expired;
    reader = (early ?? (await join())).cache('c', options);
  });

  afterEach(async () => {
    const closed = open.map((strata) => strata.close());
    await clock.advance(5_000);
    await Promise.all(closed);
  });

  const failing = jest.fn(() => Promise.reject(new Error('down')));

  it('stands in for a failed load, with a pause, and is never taken for fresh', async () => {
    failing.mockClear();
    for (let i = 0; i < 5; i++) {
      expect(await reader.fetch('k', failing)).toMatchObject({ value: 'old', stale: 'error' });
      await reader.settled();
    }
    expect(failing).toHaveBeenCalledTimes(1);
    expect(reader.peek('k')).toBeUndefined();
    expect(await reader.get('k')).toBeUndefined();
    await clock.advance(1_500);
    expect(await reader.fetch('k', () => 'new')).toMatchObject({ value: 'new', source: 'load', stale: undefined });
  });

  it('stands in for no load that merely takes its time', async () => {
    const slow = reader.fetch('k', () => new Promise((resolve) => clock.after(500, () => resolve('new'))), {
      softTimeout: 10,
    });
    await settle();
    await clock.advance(600);
    expect(await slow).toMatchObject({ value: 'new', source: 'load' });
  });
});
