import { systemClock } from '@strata/cache/core';
import { Names, RedisBus, RedisLink, RedisRemoteStore } from '@strata/cache/redis';
import { busContract, remoteStoreContract, type BusEnd } from '@strata/cache/testing';
import { openRedisClient } from '../../libs/cache/src/interop/ioredis-yet';
import { RedisServer } from '../support/redis-server';

describe('the Redis driver keeps the contracts of the ports', () => {
  let redis: RedisServer;
  let link: RedisLink;
  let namespaces = 0;
  const buses: RedisBus[] = [];

  beforeAll(async () => {
    redis = await RedisServer.start();
    const client = await openRedisClient({ url: redis.url });
    link = new RedisLink(client, { timeoutMs: 2_000 }, systemClock);
    void client.connect();
    await link.ready(2_000);
  });

  afterEach(async () => void (await Promise.all(buses.splice(0).map((bus) => bus.close()))));

  afterAll(async () => {
    link.close();
    await redis.stop();
  });

  it.each(remoteStoreContract.map(({ name, run }) => [name, run] as const))('store: %s', async (_name, run) => {
    await run(new RedisRemoteStore(link, new Names(`contract-${++namespaces}`)));
  });

  it.each(busContract.map(({ name, run }) => [name, run] as const))('bus: %s', async (_name, run) => {
    const names = new Names(`contract-${++namespaces}`);
    const remote = new RedisRemoteStore(link, names);
    await run(async (): Promise<BusEnd> => {
      const bus = new RedisBus(link, names);
      bus.use(await openRedisClient({ url: redis.url }));
      buses.push(bus);
      return { remote, bus };
    });
  });
});
