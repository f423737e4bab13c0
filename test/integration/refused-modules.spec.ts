import { Controller, Get, Injectable, Module, type OnModuleInit, type Type } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { FastifyAdapter } from '@nestjs/platform-fastify';
import { Cacheable, CacheBackend, CacheConfig, CacheModule, type CacheModuleOptions } from '@strata/cache';

const start = async (module: Type) => {
  const app = await NestFactory.create(module, new FastifyAdapter(), { logger: false, abortOnError: false });
  return app.init();
};

describe('a module that cannot be meant', () => {
  class Product {
    constructor(readonly id: number) {}
  }

  @Injectable()
  class Sync {
    @Cacheable()
    find(id: number): Product {
      return new Product(id);
    }
  }

  const cases: [string, Type[], object[], RegExp][] = [
    ['forRoot twice', [], [CacheModule.forRoot({ namespace: 'a' }), CacheModule.forRoot({ namespace: 'b' })], /twice/],
    [
      'the cache of answers is declared',
      [],
      [CacheModule.forRoot(), CacheModule.forFeature({ http: {} })],
      /"http" is there/,
    ],
    [
      'a name has two declarations',
      [],
      [CacheModule.forRoot(), CacheModule.forFeature({ p: { ttl: 1 } }), CacheModule.forFeature({ p: { ttl: 2 } })],
      /"p" is declared twice/,
    ],
    ['a method is not async', [Sync], [CacheModule.forRoot()], /Sync\.find: the method must return a promise/],
  ];

  it.each(cases)('ends the start: %s', async (_what, providers, imports, reason) => {
    @Module({ imports: imports as never, providers })
    class App {}
    await expect(start(App)).rejects.toThrow(reason);
  });

  it.each([
    ['cacheControl', { cacheControl: 'public, max-age=60' }],
    ['cdnCacheControl', { cdnCacheControl: 'max-age=300' }],
  ])('ends the start: %s would hand the answer of one user to others', async (name, options) => {
    const declare = () => {
      class Mine {
        @Get()
        @Cacheable({ scope: 'user', key: () => 'k', ...options })
        mine() {
          return 1;
        }
      }
      return Mine;
    };
    expect(declare).toThrow(new RegExp(`Mine\\.mine.*"${name}"`));
  });

  it('may say for a class what does not hold for one of its methods', async () => {
    @CacheConfig({ cacheControl: 'public, max-age=60', cdnCacheControl: 'max-age=300' })
    class Mixed {
      @Get()
      @Cacheable({ scope: 'user', identity: () => 'ann' })
      mine() {
        return 'mine';
      }
    }
    Controller()(Mixed);
    @Module({ imports: [CacheModule.forRoot()], controllers: [Mixed] })
    class App {}
    const app = await NestFactory.create(App, new FastifyAdapter(), { logger: false });
    await app.listen(0, '127.0.0.1');
    const { headers } = await fetch(await app.getUrl());
    expect([headers.get('cache-control'), headers.get('cdn-cache-control')]).toEqual(['private, no-cache', null]);
    await app.close();
  });

  it('may declare a cache twice by the same words', async () => {
    const prices = () =>
      CacheModule.forFeature({ prices: { ttl: '1m', isNegative: (value: unknown) => value == null } });
    @Module({ imports: [CacheModule.forRoot(), prices(), prices()] })
    class App {}
    await (await start(App)).close();
  });

  it('may open a cache with options of its own before anybody asks for it', async () => {
    @Injectable()
    class Opens implements OnModuleInit {
      constructor(private readonly backend: CacheBackend) {}
      onModuleInit() {
        this.backend.cache('head', { maxEntries: 7 });
      }
    }
    class Plain {
      @Get()
      @Cacheable({ cache: 'other-name' })
      read() {
        return 1;
      }
    }
    Controller()(Plain);
    @Module({ imports: [CacheModule.forRoot()], controllers: [Plain], providers: [Opens] })
    class App {}
    const app = await start(App);
    expect(app.get(CacheBackend).cache('head').localUsage.bounds.maxEntries).toBe(7);
    await app.close();
  });

  it('may be wrong in its defaults without leaving a connection', async () => {
    const options = { redis: { url: 'redis://127.0.0.1:1' }, defaults: { ttl: 'soon' } } satisfies CacheModuleOptions;
    await expect(CacheBackend.create(options)).rejects.toThrow(/ttl/);
  });
});
