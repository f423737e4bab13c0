import { AsyncLocalStorage } from 'node:async_hooks';
import { localStrata } from '../testing';
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
