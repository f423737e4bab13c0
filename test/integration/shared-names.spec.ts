import { Controller, Get, Injectable, Module, Patch } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { FastifyAdapter } from '@nestjs/platform-fastify';
import { Cacheable, CacheBackend, CacheEvict, CacheModule } from '@strata/cache';

describe('a name of a cache that routes and methods share', () => {
  @Injectable()
  class Values {
    @Cacheable({ key: () => 'k', cache: 'shared' })
    async value() {
      return { from: 'method' };
    }
  }

  @Controller()
  class Answers {
    @Get('answer')
    @Cacheable({ key: () => 'k', cache: 'shared', scope: 'public' })
    answer() {
      return { from: 'route' };
    }

    @Patch('answer')
    @CacheEvict({ key: () => 'k', cache: 'shared' })
    evict() {
      return 'done';
    }
  }

  it.each(['method', 'route'])(
    'keeps both, whichever is called first (%s), and an eviction from it reaches both',
    async (first) => {
      @Module({ imports: [CacheModule.forRoot()], controllers: [Answers], providers: [Values] })
      class App {}
      const app = await NestFactory.create(App, new FastifyAdapter(), { logger: false });
      await app.listen(0, '127.0.0.1');
      const backend = app.get(CacheBackend);
      const calls = {
        method: () => app.get(Values).value(),
        route: async () => (await fetch(`${await app.getUrl()}/answer`)).json(),
      };
      const order = first === 'method' ? (['method', 'route'] as const) : (['route', 'method'] as const);
      for (const from of [...order, ...order]) expect(await calls[from]()).toEqual({ from });
      const names = [backend.httpCache('shared').name, backend.methodCache('shared').name];
      expect(names).toEqual(['shared', 'shared-methods']);
      const held = () => [backend.httpCache('shared').holds('k'), backend.methodCache('shared').holds('k')];
      expect(held()).toEqual([true, true]);
      await fetch(`${await app.getUrl()}/answer`, { method: 'PATCH' });
      expect(held()).toEqual([false, false]);
      await app.close();
    },
  );

  it('and one that a method does nothing but evict from is that of the routes', async () => {
    @Injectable()
    class Evicts {
      @CacheEvict({ key: () => 'k', cache: 'of-routes' })
      async change() {
        return 'done';
      }
    }
    @Controller()
    class Keeps {
      calls = 0;

      @Get('kept')
      @Cacheable({ key: () => 'k', cache: 'of-routes', scope: 'public' })
      kept() {
        return { n: ++this.calls };
      }
    }
    @Module({ imports: [CacheModule.forRoot()], controllers: [Keeps], providers: [Evicts] })
    class App {}
    const app = await NestFactory.create(App, new FastifyAdapter(), { logger: false });
    await app.listen(0, '127.0.0.1');
    const read = async () => (await fetch(`${await app.getUrl()}/kept`)).json();
    await app.get(Evicts).change();
    for (const n of [1, 1]) expect(await read()).toEqual({ n });
    await app.get(Evicts).change();
    expect(await read()).toEqual({ n: 2 });
    expect(app.get(CacheBackend).httpCache('of-routes').name).toBe('of-routes');
    await app.close();
  });
});
