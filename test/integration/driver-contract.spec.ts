import { Names, RedisLink, RedisRemoteStore } from '@strata/cache/redis';
import { systemClock } from '@strata/cache/core';
import { remoteStoreContract } from '@strata/cache/testing';
import { openRedisClient } from '../../libs/cache/src/interop/ioredis-yet';
import { RedisServer } from '../support/redis-server';

describe('RedisRemoteStore keeps the contract of the port', () => {
  let redis: RedisServer;
  let link: RedisLink;
  let namespaces = 0;

  beforeAll(async () => {
    redis = await RedisServer.start();
    const client = await openRedisClient({ url: redis.url });
    link = new RedisLink(client, { timeoutMs: 2_000 }, systemClock);
    void client.connect();
    await link.ready(2_000);
  });

  afterAll(async () => {
    link.close();
    await redis.stop();
  });

  it.each(remoteStoreContract.map(({ name, run }) => [name, run] as const))('%s', async (_name, run) => {
    await run(new RedisRemoteStore(link, new Names(`contract-${++namespaces}`)));
  });
});
