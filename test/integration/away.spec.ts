/** Why Redis is not there is what whoever looks for it needs: it is told, once. */
import { CacheBackend, type CacheModuleOptions } from '@strata/cache';
import { eventually } from '../support/eventually';
import { RedisServer } from '../support/redis-server';

describe('the reason why Redis is away', () => {
  let redis: RedisServer;
  let backend: CacheBackend | undefined;

  beforeAll(async () => {
    redis = await RedisServer.start();
    await redis.command((client) => client.config('SET', 'requirepass', 'right'));
  });

  afterEach(() => backend?.close());
  afterAll(() => redis.stop());

  it.each<[string, (port: number) => NonNullable<CacheModuleOptions['redis']>, RegExp]>([
    ['a password that is wrong', (port) => ({ url: `redis://:wrong@127.0.0.1:${port}` }), /WRONGPASS/],
    ['a port where nobody listens', () => ({ url: 'redis://127.0.0.1:1' }), /ECONNREFUSED/],
    ['a database that is not there', (port) => ({ url: `redis://:right@127.0.0.1:${port}/99` }), /out of range/],
    [
      'Sentinels that are all away',
      () => ({ sentinels: { addresses: [{ host: '127.0.0.1', port: 1 }], name: 'm' } }),
      /All sentinels are unreachable/,
    ],
  ])('%s', async (_what, target, reason) => {
    const told: string[] = [];
    backend = await CacheBackend.create({
      redis: target(redis.port),
      onBreakerChange: (state, why) => told.push(`${state}: ${why}`),
    });
    await eventually(() => told.length > 0);
    expect(told).toEqual([expect.stringMatching(/^open: /)]);
    expect(told[0]).toMatch(reason);
    expect(backend.redis.connected).toBe(false);
  });
});
