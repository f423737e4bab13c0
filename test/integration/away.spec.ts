/** Why Redis is not there is what whoever looks for it needs: it is told, once. */
import { Controller, Get, Logger, Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { FastifyAdapter } from '@nestjs/platform-fastify';
import request from 'supertest';
import { Cacheable, CacheBackend, CacheModule, type CacheModuleOptions } from '@strata/cache';
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

  it('is told to somebody who throws, and Redis is used all the same', async () => {
    const error = jest.spyOn(Logger.prototype, 'error').mockImplementation();
    let told = 0;
    backend = await CacheBackend.create({
      redis: { url: `redis://:right@127.0.0.1:${redis.port}` },
      onBreakerChange: () => {
        told++;
        throw new Error('nobody listens');
      },
    });
    await backend.start();
    await eventually(() => told > 0 && backend!.redis.connected);
    expect(error.mock.calls.flat().map(String)).toContain('Error: nobody listens');
    error.mockRestore();
  });

  it('fails no read that asks for a new answer, where writes fail', async () => {
    const options = { redis: { url: 'redis://127.0.0.1:1' }, undelivered: 'fail', mayRefresh: () => true } as const;
    @Controller()
    class Plain {
      @Get()
      @Cacheable({ scope: 'public' })
      read() {
        return { n: 1 };
      }
    }
    @Module({ imports: [CacheModule.forRoot(options)], controllers: [Plain] })
    class App {}
    const app = await NestFactory.create(App, new FastifyAdapter(), { logger: false });
    await app.listen(0, '127.0.0.1');
    await request(app.getHttpServer()).get('/').set('cache-control', 'no-cache').expect(200, { n: 1 });
    await app.close();
  });
});
