import {
  Controller,
  Global,
  Injectable,
  Logger,
  Module,
  Patch,
  SetMetadata,
  type OnApplicationShutdown,
  type OnModuleInit,
  type Type,
} from '@nestjs/common';
import { ExternalContextCreator, LazyModuleLoader, NestFactory } from '@nestjs/core';
import { FastifyAdapter } from '@nestjs/platform-fastify';
import { Cacheable, CacheBackend, CacheEvict, CacheModule, touched, type CacheModuleOptions } from '@strata/cache';

let row = 1;

@Injectable()
class Reader {
  @Cacheable({ key: () => 'row', tags: () => ['row'] })
  async read() {
    return row;
  }
}

@Injectable()
class Writer {
  @CacheEvict({ tags: () => ['row'] })
  async write(value: number) {
    row = value;
  }
}

@Module({ providers: [Writer] })
class Late {}

@Controller()
class Route {
  @Patch('row')
  @CacheEvict({ tags: () => ['row'] })
  async write() {
    row = 5;
    return touched({ row }, 'other');
  }
}

const start = async (module: Type) => {
  const app = await NestFactory.create(module, new FastifyAdapter(), { logger: false, abortOnError: false });
  return app.init();
};

describe('a write, wherever it is called', () => {
  beforeEach(() => (row = 1));

  it('of a module that is loaded later', async () => {
    @Module({ imports: [CacheModule.forRoot()], providers: [Reader] })
    class App {}
    const app = await start(App);
    expect(await app.get(Reader).read()).toBe(1);
    const late = await app.get(LazyModuleLoader).load(() => Late);
    await late.get(Writer).write(2);
    expect(await app.get(Reader).read()).toBe(2);
    await app.close();
  });

  it('of a route that is reached by another way than HTTP', async () => {
    // A provider too, for Nest finds the interceptors of such calls by that.
    @Module({ imports: [CacheModule.forRoot()], providers: [Reader, Route], controllers: [Route] })
    class App {}
    const app = await start(App);
    await app.get(Reader).read();
    const route = app.get(Route);
    const creator = app.get(ExternalContextCreator);
    const none = undefined;
    const call = creator.create(route, route.write, 'write', none, none, none, none, none, 'rpc');
    expect(await call()).toEqual({ row: 5 });
    expect(await app.get(Reader).read()).toBe(5);
    await app.close();
  });

  it('while the application starts is told; after the cache has closed it is said that it was not', async () => {
    const warn = jest.spyOn(Logger.prototype, 'warn').mockImplementation();
    const invalidations: number[] = [];
    @Injectable()
    class Job implements OnModuleInit, OnApplicationShutdown {
      constructor(
        private readonly writer: Writer,
        private readonly backend: CacheBackend,
      ) {}
      async onModuleInit() {
        await this.writer.write(10);
        invalidations.push(this.backend.strata.invalidations.local.delete);
      }
      async onApplicationShutdown() {
        await new Promise(setImmediate);
        await this.writer.write(20);
      }
    }
    @Global()
    @Module({ providers: [Job, Writer] })
    class First {}
    @Module({ imports: [First, CacheModule.forRoot()] })
    class App {}
    const app = await start(App);
    expect(invalidations).toEqual([1]);
    await app.get(CacheBackend).close();
    await app.close();
    expect(
      warn.mock.calls.flat().filter((text) => /Writer\.write ran without a cache/.test(String(text))),
    ).toHaveLength(1);
    warn.mockRestore();
  });

  it('of an object whose application has closed reaches no other one', async () => {
    const warn = jest.spyOn(Logger.prototype, 'warn').mockImplementation();
    @Module({ imports: [CacheModule.forRoot({ namespace: 'first' })], providers: [Writer] })
    class Closed {}
    const closed = await start(Closed);
    const writer = closed.get(Writer);
    await closed.close();
    @Module({ imports: [CacheModule.forRoot({ namespace: 'second' })], providers: [Reader] })
    class App {}
    const app = await start(App);
    await app.get(Reader).read();
    await writer.write(7);
    expect(await app.get(Reader).read()).toBe(1);
    await app.close();
    warn.mockRestore();
  });

  it('of an unknown object reaches its readers also after a start that has failed', async () => {
    @Module({ imports: [CacheModule.forRoot(), CacheModule.forRoot({ namespace: 'other' })] })
    class Fails {}
    await expect(start(Fails)).rejects.toThrow(/twice/);
    class Unbound {
      @CacheEvict({ tags: () => ['row'] })
      async write(value: number) {
        row = value;
      }
    }
    @Module({ imports: [CacheModule.forRoot()], providers: [Reader] })
    class App {}
    const app = await start(App);
    await app.get(Reader).read();
    await new Unbound().write(3);
    expect(await app.get(Reader).read()).toBe(3);
    await app.close();
  });

  it('warns once, whatever its functions say', async () => {
    const warn = jest.spyOn(Logger.prototype, 'warn').mockImplementation();
    @Injectable()
    class Broken {
      @CacheEvict<Broken['write']>({
        tags: (_result, id) => {
          throw new Error(`no tags for ${id}`);
        },
      })
      async write(id: number) {
        return id;
      }
    }
    @Module({ imports: [CacheModule.forRoot()], providers: [Broken] })
    class App {}
    const app = await start(App);
    for (const id of [1, 2, 3]) expect(await app.get(Broken).write(id)).toBe(id);
    expect(warn).toHaveBeenCalledTimes(1);
    await app.close();
    warn.mockRestore();
  });

  it('is refused on a route that is a message handler too', async () => {
    class Both extends Route {
      @Patch('both')
      @SetMetadata('microservices:handler_type', 1)
      @CacheEvict({})
      override async write() {
        return touched({ row }, 'other');
      }
    }
    Controller()(Both);
    @Module({ imports: [CacheModule.forRoot()], controllers: [Both] })
    class App {}
    await expect(start(App)).rejects.toThrow(/Both\.write: it is a route and a message handler/);
  });
});

describe('stale values of methods', () => {
  const deep = () => Array.from({ length: 300 }).reduce((inner: object) => ({ inner }), {});

  @Injectable()
  class Flaky {
    calls = 0;

    @Cacheable({ key: () => 'k', staleIfError: '1m' })
    async read(): Promise<unknown> {
      if (++this.calls > 1) throw new Error('forbidden');
      return 'old';
    }

    @Cacheable({ key: () => 'deep', staleIfError: '1m' })
    async deep(): Promise<unknown> {
      return ++this.calls > 1 ? { is: 'new', value: deep() } : { is: 'old' };
    }
  }

  const started = async (options: CacheModuleOptions) => {
    @Module({ imports: [CacheModule.forRoot(options)], providers: [Flaky] })
    class App {}
    return start(App);
  };
  const expire = (app: Awaited<ReturnType<typeof start>>, key: string) =>
    app.get(CacheBackend).methodCache().expire(key);

  it('stand in for no error that the defaults of the module do not allow', async () => {
    const app = await started({ defaults: { isStaleAllowed: () => false } });
    await app.get(Flaky).read();
    await expire(app, 'k');
    await expect(app.get(Flaky).read()).rejects.toThrow('forbidden');
    await app.close();
  });

  it('stand in for no value that has come and cannot be kept', async () => {
    const app = await started({});
    await app.get(Flaky).deep();
    await expire(app, 'deep');
    expect(await app.get(Flaky).deep()).toMatchObject({ is: 'new' });
    await app.close();
  });
});
