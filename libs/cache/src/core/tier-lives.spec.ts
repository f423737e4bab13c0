import { richSerializer } from '../drivers/serializers/rich-serializer';
import type { LoaderContext } from './loader-context';
import { Strata } from './strata';
import type { TieredCache } from './tiered-cache';
import { LruLocalStore } from '../drivers/memory/lru-local-store';
import { FakeClock, MemoryFleet, localStrata } from '../testing';

describe('the life of an entry in each tier', () => {
  let clock: FakeClock;
  let cache: TieredCache;
  const loader = jest.fn(() => 'value');

  beforeEach(async () => {
    clock = new FakeClock();
    const fleet = new MemoryFleet(clock);
    const strata = new Strata({
      remote: fleet.remote(),
      bus: fleet.bus(),
      createLocalStore: (bounds, listener) => new LruLocalStore(bounds, listener, clock),
      clock,
    });
    cache = strata.cache('test', { ttl: '1h' });
    const started = strata.start();
    // Until the unknown member of a fresh fleet is forgotten, writes would wait for it.
    await clock.advance(5_000);
    await started;
    loader.mockClear();
  });

  const source = async (options: object): Promise<string> => {
    const { source: from } = await cache.fetch('k', loader, options);
    await cache.settled();
    return from;
  };
  const pass = (ms: number): Promise<void> => clock.advance(ms);

  it('localTtl sends a reader to L2 again, also for a copy that came from L2', async () => {
    const options = { localTtl: '10s' };
    expect(await source(options)).toBe('load');
    await pass(9_000);
    expect(await source(options)).toBe('L1');
    await pass(1_000);
    expect(await source(options)).toBe('L2');
    await pass(9_999);
    expect(await source(options)).toBe('L1');
    await pass(1);
    expect(await source(options)).toBe('L2');
    expect(loader).toHaveBeenCalledTimes(1);
  });

  it('a plain get keeps a copy no longer than its localTtl either', async () => {
    await cache.set('k', 'v');
    cache.clearLocal();
    expect(await cache.get('k', { localTtl: 500 })).toBe('v');
    const hits = cache.counters.remote.hits;
    await pass(500);
    expect(await cache.get('k')).toBe('v');
    expect(cache.counters.remote.hits).toBe(hits + 1);
  });

  it('localTtl never lengthens the ttl', async () => {
    await source({ ttl: '5s', localTtl: '1h' });
    await pass(5_000);
    expect(await source({ ttl: '5s', localTtl: '1h' })).toBe('load');
  });

  it('localTtl 0 keeps the value out of L1, remoteTtl 0 out of L2', async () => {
    expect([await source({ localTtl: 0 }), await source({ localTtl: 0 })]).toEqual(['load', 'L2']);
    expect(cache.localUsage.size).toBe(0);
    await cache.delete('k');
    expect([await source({ remoteTtl: 0 }), await source({ remoteTtl: 0 })]).toEqual(['load', 'L1']);
    cache.clearLocal();
    expect(await source({ remoteTtl: 0 })).toBe('load');
  });

  it('remoteTtl ends a value in L2 before its ttl, and gives the load lease back', async () => {
    await source({ remoteTtl: '2s' });
    await pass(2_000);
    cache.clearLocal();
    expect(await source({})).toBe('load');
  });
});

describe('validators', () => {
  const { strata, clock } = localStrata();
  const options = { ttl: '10s', staleIfError: '1h', tags: ['list'] };
  let cache: TieredCache<{ n: number }>;
  let name = 0;
  beforeEach(() => (cache = strata.cache<{ n: number }>(`test${++name}`)));

  it('a loader that finds nothing changed renews the value with its tags and its validator', async () => {
    await cache.getOrSet(
      'k',
      (context) => (context.setValidator('"v1"'), context.addTags('learnt'), { n: 1 }),
      options,
    );
    await clock.advance(10_000);
    const asked: (string | undefined)[] = [];
    const unchanged = jest.fn((context: { validator: string | undefined; notModified: () => { n: number } }) => {
      asked.push(context.validator);
      return context.notModified();
    });
    expect(await cache.getOrSet('k', unchanged, options)).toEqual({ n: 1 });
    await clock.advance(9_999);
    expect(await cache.getOrSet('k', unchanged, options)).toEqual({ n: 1 });
    await clock.advance(1);
    expect(await cache.getOrSet('k', unchanged, options)).toEqual({ n: 1 });
    expect(asked).toEqual(['"v1"', '"v1"']);
    expect(cache.counters.loads).toMatchObject({ count: 3, notModified: 2 });
    await strata.invalidateTags(['learnt']);
    expect(await cache.getOrSet('k', () => ({ n: 2 }), options)).toEqual({ n: 2 });
  });

  it('a new validator replaces the one before', async () => {
    await cache.getOrSet('k', (context) => (context.setValidator('a'), { n: 1 }), options);
    await clock.advance(10_000);
    await cache.getOrSet('k', (context) => (context.setValidator('b'), context.notModified()), options);
    await clock.advance(10_000);
    await cache.getOrSet('k', (context) => ({ n: context.validator === 'b' ? 2 : 3 }), options);
    expect(await cache.get('k')).toEqual({ n: 2 });
  });

  it('what was invalidated is not there to be renewed', async () => {
    await cache.getOrSet('k', (context) => (context.setValidator('a'), { n: 1 }), options);
    await strata.invalidateTags(['list']);
    const renew = cache.getOrSet('k', (context) => context.notModified(), options);
    await expect(renew).rejects.toMatchObject({ code: 'NOTHING_STALE' });
  });

  it('a loader may take its context apart, and put it together with something else', async () => {
    await cache.getOrSet('k', ({ addTags, ...rest }) => (addTags('apart'), rest.setValidator('a'), { n: 1 }), options);
    await clock.advance(10_000);
    const seen = jest.fn();
    await cache.getOrSet(
      'k',
      (context) => {
        const wider = { ...context, user: 'me' };
        seen(wider.user, wider.stale, wider.validator, wider.signal.aborted);
        return wider.notModified();
      },
      options,
    );
    expect(seen).toHaveBeenCalledWith('me', { n: 1 }, 'a', false);
    await strata.invalidateTags(['apart']);
    expect(await cache.get('k')).toBeUndefined();
  });

  it('a signal that is first taken after the abort has been aborted; a stale copy is one copy', async () => {
    let late: LoaderContext<unknown> | undefined;
    const copies = strata.cache('copies', { ttl: '1s', staleIfError: '1h', serializer: richSerializer });
    await copies.getOrSet('k', () => ({ of: 'k' }));
    await clock.advance(2_000);
    const never = (context: LoaderContext<unknown>) => ((late = context), new Promise<never>(() => undefined));
    const reading = copies.getOrSet('k', never, { hardTimeout: 100 });
    while (late === undefined) await Promise.resolve();
    await clock.advance(200);
    await reading;
    expect(late.signal.aborted).toBe(true);
    expect(late.signal.reason).toMatchObject({ code: 'LOAD_TIMEOUT' });
    expect(late.stale).toEqual({ of: 'k' });
    expect(late.stale).toBe(late.stale);
  });

  it('a validator over the bound is the loader’s error', async () => {
    const load = cache.getOrSet('k', (context) => (context.setValidator('x'.repeat(1_025)), { n: 1 }), options);
    await expect(load).rejects.toMatchObject({ code: 'ENTRY_REFUSED' });
  });

  it('a refresh that keeps failing is tried less and less often, at least every 16 s', async () => {
    const stale = { ttl: 1, staleWhileRevalidate: '1h' };
    await cache.getOrSet('k', () => ({ n: 1 }), stale);
    await clock.advance(1);
    const tries: number[] = [];
    const failing = (): never => {
      tries.push(clock.monotonic());
      throw new Error('down');
    };
    for (let i = 0; i < 600; i++) {
      await cache.getOrSet('k', failing, stale);
      await cache.settled();
      await clock.advance(100);
    }
    const pauses = tries.slice(1).map((at, i) => Math.round((at - tries[i]!) / 1_000));
    expect(pauses).toEqual([1, 2, 4, 8, 16, 16]);
  });
});
