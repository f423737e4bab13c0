import { LruLocalStore } from '../drivers/memory/lru-local-store';
import { FakeClock, localStrata, MemoryFleet } from '../testing';
import { jsonSerializer } from './json-serializer';
import type { RemoteStore } from './ports/remote-store';
import { Strata } from './strata';

/** JSON, and refuses to do what it is told to refuse. */
function serializerThat(refuses: { weigh?: boolean; length?: boolean }) {
  return {
    ...jsonSerializer,
    encode: (value: unknown) =>
      refuses.length ? ({ text: value } as unknown as Buffer) : jsonSerializer.encode(value),
    decode: (bytes: Buffer) =>
      Buffer.isBuffer(bytes) ? jsonSerializer.decode(bytes) : (bytes as { text: unknown }).text,
    weigh: (value: unknown) => {
      if (refuses.weigh) throw new Error('cannot be weighed');
      return jsonSerializer.weigh(value);
    },
  };
}

describe('a load', () => {
  let clock: FakeClock;
  let store: RemoteStore;
  let strata: Strata;

  beforeEach(async () => {
    clock = new FakeClock();
    const fleet = new MemoryFleet(clock);
    store = fleet.remote();
    strata = new Strata({
      remote: store,
      bus: fleet.bus(),
      createLocalStore: (bounds, listener) => new LruLocalStore(bounds, listener, clock),
      clock,
    });
    const started = strata.start();
    await clock.advance(5_000);
    await started;
  });

  const mayLoad = async (key: string): Promise<boolean> => {
    const terms = { token: 'x'.repeat(36), leaseMs: 5_000, tagTtlMs: 60_000, takeOver: false };
    return (await store.grant({ key, tags: [], ...terms })).granted;
  };

  it('whose value cannot be kept fails, and gives leave to load back', async () => {
    const refuses = { weigh: true };
    const cache = strata.cache('weighed', { serializer: serializerThat(refuses) });
    await expect(cache.getOrSet('k', () => 'v')).rejects.toThrow('cannot be weighed');
    await cache.settled();
    expect(cache.counters.loads.errors).toBe(1);
    expect(await mayLoad('weighed:k')).toBe(true);
    refuses.weigh = false;
    expect(await cache.getOrSet('other', () => 'v')).toBe('v');
  });

  it('whose value cannot be written into an entry is its reader’s all the same', async () => {
    const cache = strata.cache('odd', { serializer: serializerThat({ length: true }), maxEntryBytes: 1_000 });
    expect(await cache.getOrSet('k', () => 'v')).toBe('v');
    await cache.settled();
    expect((await store.read('odd:k', [], 1_000)).bytes).toBeUndefined();
  });

  it('takes a promise for what it is, whatever `then` it has been given', async () => {
    const cache = strata.cache('promises');
    const own = (then: () => void): Promise<string> => Object.assign(Promise.resolve('v'), { then });
    const throwing = (): never => {
      throw new Error('own then');
    };
    expect(await cache.getOrSet('a', () => own(throwing))).toBe('v');
    expect(await cache.getOrSet('b', () => own(() => undefined))).toBe('v');
    const thenable = { then: throwing } as unknown as Promise<string>;
    await expect(cache.getOrSet('c', () => thenable)).rejects.toThrow('own then');
    await cache.settled();
    expect(await mayLoad('promises:c')).toBe(true);
  });

  it('never begins before the reader has its promise, with L2 and without', async () => {
    for (const { cache } of [strata, localStrata().strata].map((one) => ({ cache: one.cache('later') }))) {
      const loader = jest.fn(() => 'v');
      const read = cache.getOrSet('k', loader);
      expect(loader).not.toHaveBeenCalled();
      expect(await read).toBe('v');
    }
  });
});
