import { AsyncLocalStorage } from 'node:async_hooks';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { localStrata } from '../testing';
import { jsonSerializer } from './json-serializer';
import type { Strata } from './strata';
import type { TieredCache } from './tiered-cache';

describe('the promise of a hit in L1', () => {
  let strata: Strata;
  let cache: TieredCache;

  beforeEach(() => {
    ({ strata } = localStrata());
    cache = strata.cache('test', { ttl: '10s' });
  });

  afterEach(() => strata.close());

  it('is the same for all who wait for an entry, and another one for another entry', async () => {
    await cache.set('a', 1);
    const first = cache.get('a');
    expect(cache.get('a')).toBe(first);
    await cache.set('a', 2);
    expect(await cache.get('a')).toBe(2);
    expect(await first).toBe(1);
  });

  it('goes on in the asynchronous context of each who waits', async () => {
    const contexts = new AsyncLocalStorage<string>();
    await cache.set('a', 1);
    const seen: [string, string | undefined][] = [];
    const reads = ['one', 'two', 'three'].map((name) =>
      contexts.run(name, async () => {
        await cache.get('a');
        seen.push([name, contexts.getStore()]);
        await cache.get('a').then(() => seen.push([name, contexts.getStore()]));
      }),
    );
    await Promise.all(reads);
    expect(seen).toHaveLength(6);
    for (const [name, context] of seen) expect(context).toBe(name);
  });

  it('keeps nothing of the context of who was first', async () => {
    setFlagsFromString('--expose-gc');
    const collect = runInNewContext('gc') as () => void;
    const contexts = new AsyncLocalStorage<object>();
    const firsts = await Promise.all(
      Array.from({ length: 20 }, async (_, i) => {
        await cache.set(`k${i}`, { n: i });
        const store = { request: i };
        await contexts.run(store, () => cache.get(`k${i}`));
        return new WeakRef(store);
      }),
    );
    await new Promise((resolve) => setImmediate(resolve));
    collect();
    expect(firsts.filter((first) => first.deref() !== undefined)).toEqual([]);
    expect(cache.localUsage.size).toBe(20);
  });

  it('is not kept where there is no room for it, and the entry is', async () => {
    const full = strata.cache('full', { ttl: '10s', maxBytes: 260 });
    let loads = 0;
    for (let i = 0; i < 5; i++) expect(await full.getOrSet('k', () => ++loads)).toBe(1);
    expect(full.localUsage).toMatchObject({ size: 1 });
    expect(full.get('k')).not.toBe(full.get('k'));
  });

  it('is made once also where somebody reads while others have to go', async () => {
    const tight = strata.cache('tight', { ttl: '10s', maxBytes: 480 });
    await tight.set('old', 1);
    await tight.set('k', 2);
    const { bytes } = tight.localUsage;
    const inside: unknown[] = [];
    strata.on(() => inside.push(tight.get('k')), ['evict']);
    const promise = tight.get('k');
    expect(inside).toEqual([promise]);
    expect(tight.localUsage.bytes).toBeLessThan(bytes);
    expect(await promise).toBe(2);
  });

  it('where each reader gets a copy, each has a promise and a value of his own, however he asks', async () => {
    const serializer = { ...jsonSerializer, copy: (value: unknown) => structuredClone(value) };
    const copying = strata.cache('copying', { ttl: '10s', serializer });
    await copying.set('k', { n: 1 });
    const never = (): never => {
      throw new Error('a hit loads nothing');
    };
    const found = [
      await copying.get('k'),
      await copying.getOrSet('k', never),
      (await copying.fetch('k', never)).value,
      (await copying.inquire('k')).value,
      copying.peek('k'),
    ];
    expect(found).toEqual(Array(5).fill({ n: 1 }));
    expect(new Set(found).size).toBe(5);
    expect(copying.get('k')).not.toBe(copying.get('k'));
  });

  it('counts towards the bound of bytes, once', async () => {
    await cache.set('a', 1);
    const { bytes } = cache.localUsage;
    cache.peek('a');
    expect(cache.localUsage.bytes).toBe(bytes);
    await cache.get('a');
    const grown = cache.localUsage.bytes;
    expect(grown).toBeGreaterThan(bytes);
    await cache.get('a');
    expect(cache.localUsage.bytes).toBe(grown);
    cache.reweigh('a', cache.peek('a'));
    expect(cache.localUsage.bytes).toBe(grown);
    await cache.delete('a');
    expect(cache.localUsage.bytes).toBe(0);
  });
});
