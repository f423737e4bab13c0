import { redisStore } from 'cache-manager-ioredis-yet';
import type { Redis } from 'ioredis';
import { connectionOptions, type RedisTarget } from '../drivers/redis';

/**
 * Opens a client through `cache-manager-ioredis-yet`.
 *
 * Only the store's `client` is used for values: its own `get`/`set` run everything through telejson,
 * which revives functions from strings that users may store. Its `reset()` is `FLUSHDB` and its
 * `keys()` is `KEYS`; neither is ever called.
 */
export async function openRedisClient(target: RedisTarget): Promise<Redis> {
  const store = await redisStore(connectionOptions(target));
  return store.client as Redis;
}
