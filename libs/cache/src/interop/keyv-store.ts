import { createCache, type Cache } from 'cache-manager';
import { Keyv, type KeyvStoreAdapter, type StoredData } from 'keyv';
import type { TieredCache } from '../core/tiered-cache';

interface KeyvEnvelope {
  readonly value: unknown;
  readonly expires?: number;
}

/**
 * Lets Keyv, and through it cache-manager, use a {@link TieredCache} as its store.
 *
 * Keyv turns a ttl of 0 into "none given", so through this face 0 means the default ttl of the cache.
 */
export class StrataKeyvStore implements KeyvStoreAdapter {
  readonly opts = {};
  namespace?: string | undefined;

  /** @param open the cache; none while caching is switched off: then nothing is kept */
  constructor(private readonly open: () => TieredCache<KeyvEnvelope> | undefined) {}

  private get cache(): TieredCache<KeyvEnvelope> | undefined {
    return this.open();
  }

  async get<V>(key: string): Promise<StoredData<V> | undefined> {
    return (await this.cache?.get(key)) as StoredData<V> | undefined;
  }

  async set(key: string, value: unknown, ttl?: number): Promise<boolean> {
    await this.cache?.set(key, value as KeyvEnvelope, ttl === undefined || ttl === 0 ? {} : { ttl });
    return true;
  }

  async delete(key: string): Promise<boolean> {
    await this.cache?.delete(key);
    return true;
  }

  async clear(): Promise<void> {
    await this.cache?.clear();
  }

  async has(key: string): Promise<boolean> {
    return (await this.cache?.get(key)) !== undefined;
  }

  on(): this {
    return this;
  }
}

/**
 * The `Cache` of cache-manager on our tiers: what is injected under `CACHE_MANAGER`. The tiered cache is
 * opened on first use, so that an application without such users has no second L1.
 */
export function cacheManagerOver(open: () => TieredCache<KeyvEnvelope> | undefined): Cache {
  const keyv = new Keyv({ store: new StrataKeyvStore(open), useKeyPrefix: false });
  // The tiers serialise by themselves; a second form inside ours would only cost time and bytes.
  keyv.serialize = undefined;
  keyv.deserialize = undefined;
  return createCache({ stores: [keyv] });
}
