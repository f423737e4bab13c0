import { CacheInterceptor, CacheKey, CacheTTL, CACHE_MANAGER } from '@nestjs/cache-manager';
import { Controller, Get, Inject, Module, UseInterceptors, type INestApplication } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { FastifyAdapter } from '@nestjs/platform-fastify';
import { CacheBackend, CacheModule } from '@strata/cache';
import type { Cache } from 'cache-manager';
import request from 'supertest';
import { RedisServer } from '../support/redis-server';

let calls = 0;

@Controller()
@UseInterceptors(CacheInterceptor)
class OldController {
  constructor(@Inject(CACHE_MANAGER) readonly manager: Cache) {}

  @Get('plain')
  plain(): object {
    return { n: ++calls };
  }

  @Get('named')
  @CacheKey('a-name')
  @CacheTTL(50)
  named(): object {
    return { n: ++calls };
  }
}

describe('an application written for @nestjs/cache-manager', () => {
  let redis: RedisServer;
  let app: INestApplication;
  let url: string;

  beforeAll(async () => {
    redis = await RedisServer.start();
    @Module({
      imports: [CacheModule.forRoot({ redis: { url: redis.url }, redisTimeoutMs: 2_000 })],
      controllers: [OldController],
    })
    class OldModule {}
    app = await NestFactory.create(OldModule, new FastifyAdapter(), { logger: false });
    await app.listen(0, '127.0.0.1');
    url = await app.getUrl();
  });

  afterAll(async () => {
    await app.close();
    await redis.stop();
  });

  const get = async (path: string): Promise<number> => (await request(url).get(path).expect(200)).body.n;

  /** `CacheInterceptor` stores behind the answer; the next request may come before that. */
  async function stored(key: string): Promise<void> {
    const manager = app.get<Cache>(CACHE_MANAGER);
    while ((await manager.get(key)) === undefined) await new Promise((resolve) => setImmediate(resolve));
  }

  it('keeps answers under its own interceptor, on our tiers', async () => {
    expect(await get('/plain')).toBe(1);
    await stored('/plain');
    expect(await get('/plain')).toBe(1);
    const cache = app.get(CacheBackend).cache('cache-manager');
    cache.clearLocal();
    expect(await get('/plain')).toBe(1);
    expect(cache.counters.remote.hits).toBeGreaterThan(0);
  });

  it('honours @CacheKey and @CacheTTL', async () => {
    const first = await get('/named');
    await stored('a-name');
    expect(await get('/named')).toBe(first);
    await new Promise((resolve) => setTimeout(resolve, 60));
    expect(await get('/named')).toBe(first + 1);
  });

  it('gives cache-manager what it expects of a store: get, set, mget, del, clear, wrap, null', async () => {
    const manager = app.get<Cache>(CACHE_MANAGER);
    await manager.set('a', { deep: [1] }, 60_000);
    await manager.mset([{ key: 'b', value: 'two', ttl: 60_000 }]);
    expect(await manager.mget(['a', 'b', 'c'])).toEqual([{ deep: [1] }, 'two', undefined]);
    await manager.del('a');
    expect(await manager.get('a')).toBeUndefined();
    await manager.clear();
    expect(await manager.get('b')).toBeUndefined();
  });

  it('keeps nothing while caching is switched off', async () => {
    @Module({ imports: [CacheModule.forRoot({ enabled: false })] })
    class OffModule {}
    const off = await NestFactory.create(OffModule, new FastifyAdapter(), { logger: false });
    const manager = off.get<Cache>(CACHE_MANAGER);
    await manager.set('k', 'v');
    expect(await manager.get('k')).toBeUndefined();
    expect(await manager.wrap('k', () => 'loaded')).toBe('loaded');
    await off.close();
  });
});
