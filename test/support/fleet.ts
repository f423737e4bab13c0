import { Strata, systemClock, type CacheOptions, type StrataOptions, type TieredCache } from '@strata/cache/core';
import { redisDriver, type RedisDriver, type RedisLink } from '@strata/cache/redis';
import { LruLocalStore } from '../../libs/cache/src/drivers/memory/lru-local-store';
import { openRedisClient } from '../../libs/cache/src/interop/ioredis-yet';
import { eventually } from './eventually';

/** One instance of the library on a real Redis. */
export interface Instance {
  readonly strata: Strata;
  readonly driver: RedisDriver<RedisLink>;
  readonly cache: TieredCache;
  close(): Promise<void>;
}

/** Settings of {@link startInstance}. */
export interface InstanceOptions extends Partial<StrataOptions> {
  readonly namespace?: string;
  readonly timeoutMs?: number;
  /** Another way to Redis for the subscription alone. */
  readonly subscriberUrl?: string;
  readonly cacheOptions?: CacheOptions;
}

/** Starts an instance; it holds its lease when this returns, if Redis is there. */
export async function startInstance(url: string, options: InstanceOptions = {}): Promise<Instance> {
  const clients = {
    commands: await openRedisClient({ url }),
    subscriber: await openRedisClient({ url: options.subscriberUrl ?? url }),
  };
  const namespace = options.namespace ?? 'test';
  const driver = redisDriver(clients, { namespace, timeoutMs: options.timeoutMs ?? 2_000 });
  const strata = new Strata({
    remote: driver.remote,
    bus: driver.bus,
    createLocalStore: (bounds, listener) => new LruLocalStore(bounds, listener, systemClock),
    leaseMs: 500,
    ...options,
  });
  const cache = strata.cache('test', { ttl: '60s', ...options.cacheOptions });
  await driver.link.ready(1_000);
  await strata.start();
  return {
    strata,
    driver,
    cache,
    close: async () => {
      await strata.close();
      driver.close();
    },
  };
}

/** Waits until the unknown member of a fresh namespace is forgotten: from then on writes do not wait for it. */
export async function fleetKnown(instance: Instance): Promise<void> {
  await eventually(async () => {
    const { members } = await instance.driver.remote.invalidate({
      id: 'probe',
      origin: 'probe',
      mode: 'delete',
      tags: [],
    });
    return !members.has('?');
  });
}
