import { systemClock } from '@strata/cache/core';
import { RedisLink } from '@strata/cache/redis';
import { openRedisClient } from '../../libs/cache/src/interop/ioredis-yet';

/** A link of its own to the Redis of that URL, connected. */
export async function openLink(url: string): Promise<RedisLink> {
  const client = await openRedisClient({ url });
  const link = new RedisLink(client, { timeoutMs: 2_000 }, systemClock);
  void client.connect();
  await link.ready(2_000);
  return link;
}
