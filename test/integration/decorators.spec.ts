import { Readable } from 'node:stream';
import {
  Body,
  Controller,
  Get,
  Headers,
  Injectable,
  Logger,
  Module,
  Param,
  Patch,
  Put,
  Query,
  Req,
  Scope,
  type DynamicModule,
  type INestApplication,
  type Type,
} from '@nestjs/common';
import { ContextIdFactory, ModuleRef } from '@nestjs/core';
import { NestFactory } from '@nestjs/core';
import { FastifyAdapter } from '@nestjs/platform-fastify';
import {
  Cacheable,
  CacheBackend,
  CacheConfig,
  CacheEvict,
  CacheModule,
  CachePut,
  Caching,
  fingerprint,
  InjectCache,
  NoCache,
  touched,
  type TieredCache,
} from '@strata/cache';
import { Gate } from '@strata/cache/testing';
import request from 'supertest';
import { rehearsed } from '../support/rehearsed';

interface Price {
  readonly sku: string;
  readonly cents: number;
  readonly since: Date;
}

let calls = 0;
let cents = 100;
let gate: Gate | undefined;

@Injectable()
@CacheConfig({ cache: 'prices', ttl: '1h' })
class Prices {
  @Cacheable<Prices['of']>({
    key: (sku) => `price:${sku}`,
    tags: (sku) => [`price:${sku}`],
    condition: (sku) => sku !== 'secret',
    unless: (price) => price.cents === 0,
  })
  async of(sku: string): Promise<Price> {
    calls++;
    await gate?.pass();
    if (sku === 'broken') throw new RangeError(`no price ${calls}`);
    return { sku, cents, since: new Date(0) };
  }

  /** Calls itself: the cache is around the method, not around the object. */
  async twice(sku: string): Promise<number> {
    return (await this.of(sku)).cents + (await this.of(sku)).cents;
  }

  @CachePut<Prices['set']>({ key: (sku) => `price:${sku}`, tags: (price) => [`price:${price.sku}`] })
  async set(sku: string, value: number): Promise<Price> {
    await gate?.pass();
    cents = value;
    return { sku, cents, since: new Date(value) };
  }

  @CacheEvict<Prices['change']>({ tags: (_price, sku) => [`price:${sku}`] })
  async change(sku: string, value: number): Promise<Price> {
    if (value < 0) throw new RangeError('a price is not negative');
    cents = value;
    return touched({ sku, cents, since: new Date(0) }, 'learnt') as unknown as Price;
  }

  @CacheEvict<Prices['forget']>({ key: (_nothing, sku) => `price:${sku}` })
  async forget(_sku: string): Promise<void> {
    await Promise.resolve();
  }

  @CacheEvict<Prices['reset']>({ cache: 'prices', allEntries: true, beforeInvocation: true })
  async reset(): Promise<never> {
    throw new RangeError('in vain');
  }

  @Cacheable()
  async sum(...parts: { readonly n: number; readonly at?: Date | undefined }[]): Promise<number> {
    calls++;
    return parts.reduce((total, { n }) => total + n, 0);
  }

  @Cacheable({ ttl: (result) => (result === 'short' ? 0 : '1h') })
  async lives(how: string): Promise<string> {
    calls++;
    return how;
  }

  @Cacheable<Prices['cheapest']>({ key: () => 'cheapest', resultTags: ({ sku }) => [`price:${sku}`] })
  async cheapest(): Promise<Price> {
    calls++;
    return { sku: 'z', cents: 1, since: new Date(0) };
  }

  @Cacheable({ version: fingerprint((price: Price) => price.cents) })
  async odd(what: unknown): Promise<unknown> {
    calls++;
    if (what === 'stream') return Readable.from(['x']);
    return what === 'nothing' ? undefined : { what: typeof what };
  }

  @NoCache()
  @Cacheable({ key: () => 'off' })
  async off(): Promise<number> {
    return ++calls;
  }

  @Caching<Prices['both']>({
    put: [{ key: (sku) => `price:${sku}` }, { key: (sku) => `copy:${sku}` }],
    evict: [{ tags: () => ['all'] }, { tags: (_price, sku) => [`other:${sku}`] }],
  })
  async both(sku: string): Promise<Price> {
    calls++;
    return { sku, cents: 7, since: new Date(0) };
  }
}

@Injectable({ scope: Scope.REQUEST })
class PerRequest {
  @Cacheable({ key: (id: number) => `per-request:${id}` })
  async of(id: number): Promise<number> {
    calls++;
    return id;
  }
}

@Injectable()
class Consumer {
  constructor(
    @InjectCache('prices') readonly prices: TieredCache<Price>,
    @InjectCache('small') readonly small: TieredCache<string>,
  ) {}
}

@Controller('things')
class ThingsController {
  @Get(':id')
  @Cacheable({ scope: 'public' })
  find(@Param('id') id: string, @Query('part') part?: string) {
    calls++;
    return { id, part };
  }

  @Get(':id/:deep')
  @Cacheable({ scope: 'public', vary: ['Accept-Language'] })
  deep(@Param() params: Record<string, string>, @Headers('accept-language') language?: string) {
    calls++;
    return { ...params, language };
  }

  @Put(':id')
  @CachePut({ key: ({ params }) => `thing:${params['id']}`, tags: () => ['things'] })
  replace(@Param('id') id: string, @Body() body: object) {
    return { id, ...body };
  }

  @Get('read/:id/now')
  @Cacheable({ key: ({ params }) => `thing:${params['id']}`, scope: 'public' })
  read(@Param('id') id: string) {
    calls++;
    return { id, loaded: true };
  }

  @Patch('twice')
  @CacheEvict({ tags: () => ['one'] })
  @CacheEvict({ tags: () => ['two', 'three'] })
  twice() {
    return {};
  }

  @Patch('off')
  @NoCache()
  @CacheEvict({ tags: () => ['things'] })
  offline() {
    return ++calls;
  }
}

@Module({})
class App {
  static with(name: string, extra: Partial<DynamicModule> = {}): DynamicModule {
    return {
      module: App,
      imports: [
        CacheModule.forRoot({ namespace: name }),
        CacheModule.forFeature({ prices: { maxEntries: 50 }, small: { ttl: '1s' } }),
      ],
      controllers: [ThingsController],
      providers: [Prices, PerRequest, Consumer],
      ...extra,
    };
  }
}

const start = async (module: DynamicModule): Promise<INestApplication> => {
  const app = await NestFactory.create(module, new FastifyAdapter(), { logger: false, abortOnError: false });
  rehearsed(app);
  await app.init();
  await (app.getHttpAdapter().getInstance() as { ready(): Promise<void> }).ready();
  return app;
};

const failsOrStarts = (module: DynamicModule): Promise<string> =>
  start(module).then(
    async (started) => started.close().then(() => 'it has started'),
    (error: Error) => error.message,
  );

describe('decorators', () => {
  let app: INestApplication;
  let prices: Prices;
  const cacheOf = (name: string): TieredCache => app.get(CacheBackend).methodCache(name);

  beforeAll(async () => {
    app = await start(App.with('one'));
    prices = app.get(Prices);
  });

  beforeEach(async () => {
    [calls, cents, gate] = [0, 100, undefined];
    await app.get(CacheBackend).strata.clear();
  });

  afterEach(() => jest.restoreAllMocks());
  afterAll(() => app.close());

  describe('@Cacheable on a method of a provider', () => {
    it('runs it once for all who call, and gives each a value of his own with its types', async () => {
      const all = await Promise.all(Array.from({ length: 20 }, () => prices.of('a')));
      expect(calls).toBe(1);
      expect(all[0]).toEqual({ sku: 'a', cents: 100, since: new Date(0) });
      all[0]!.since.setTime(9);
      expect((await prices.of('a')).since).toEqual(new Date(0));
      expect(await prices.of('b')).toMatchObject({ sku: 'b' });
      expect(calls).toBe(2);
    });

    it('is around calls of the object on itself too', async () => {
      expect(await prices.twice('a')).toBe(200);
      expect(calls).toBe(1);
    });

    it('keeps the entry in the cache and with the tags it names', async () => {
      await prices.of('a');
      const { L1 } = await cacheOf('prices').explain('price:a');
      expect(L1).toMatchObject({ state: 'fresh', tags: ['price:a'] });
      await app.get(CacheBackend).strata.invalidateTags(['price:a']);
      await prices.of('a');
      expect(calls).toBe(2);
    });

    it('asks condition before and unless after', async () => {
      await prices.of('secret');
      await prices.of('secret');
      expect(calls).toBe(2);
      cents = 0;
      await prices.of('free');
      await prices.of('free');
      expect(calls).toBe(4);
    });

    it('hands on errors as they are, to each caller, and keeps none', async () => {
      const both = await Promise.allSettled([prices.of('broken'), prices.of('broken')]);
      for (const one of both) expect(one).toMatchObject({ reason: new RangeError('no price 1') });
      await expect(prices.of('broken')).rejects.toThrow('no price 2');
    });

    it('makes a key of all arguments, whatever the order of their properties', async () => {
      await prices.sum({ n: 1, at: new Date(5) }, { n: 2 });
      await prices.sum({ at: new Date(5), n: 1 }, { n: 2, at: undefined });
      expect(calls).toBe(1);
      for (const args of [[{ n: 1 }, { n: 2 }], [{ n: 1 }], [{ n: 12 }], []]) await prices.sum(...args);
      expect(calls).toBe(5);
    });

    it('does not cache calls whose arguments make no key, and says so once', async () => {
      const warn = jest.spyOn(Logger.prototype, 'warn').mockImplementation(() => undefined);
      for (let i = 0; i < 3; i++) await prices.odd(() => i);
      expect(calls).toBe(3);
      expect(warn.mock.calls).toEqual([[expect.stringContaining('Prices.odd was called with arguments')]]);
    });

    it('hands on what cannot be kept, and what is nothing', async () => {
      jest.spyOn(Logger.prototype, 'warn').mockImplementation(() => undefined);
      for (const _ of [1, 2]) expect(await prices.odd('stream')).toBeInstanceOf(Readable);
      for (const _ of [1, 2]) expect(await prices.odd('nothing')).toBeUndefined();
      expect(calls).toBe(4);
    });

    it('takes the ttl from the result', async () => {
      for (const how of ['short', 'short', 'long', 'long']) await prices.lives(how);
      expect(calls).toBe(3);
    });

    it('takes tags from the result', async () => {
      await prices.cheapest();
      await app.get(CacheBackend).strata.invalidateTags(['price:y']);
      await prices.cheapest();
      expect(calls).toBe(1);
      await app.get(CacheBackend).strata.invalidateTags(['price:z']);
      await prices.cheapest();
      expect(calls).toBe(2);
    });

    it('is switched off by @NoCache', async () => {
      expect([await prices.off(), await prices.off()]).toEqual([1, 2]);
    });

    it('works in instances that the container makes for one request', async () => {
      const ids = [ContextIdFactory.create(), ContextIdFactory.create()];
      const moduleRef = app.get(ModuleRef);
      for (const id of ids) expect(await (await moduleRef.resolve(PerRequest, id, { strict: false })).of(4)).toBe(4);
      expect(calls).toBe(1);
    });

    it('has no effect on objects of no application', async () => {
      class Alone extends Prices {}
      const alone = new Alone();
      await alone.of('a');
      await alone.of('a');
      expect(calls).toBe(2);
    });
  });

  describe('@CachePut, @CacheEvict, @Caching', () => {
    it('puts what was written in place of the entry, with its tags', async () => {
      await prices.of('a');
      expect(await prices.set('a', 250)).toMatchObject({ cents: 250 });
      expect(await prices.of('a')).toEqual({ sku: 'a', cents: 250, since: new Date(250) });
      expect(calls).toBe(1);
      await app.get(CacheBackend).strata.invalidateTags(['price:a']);
      await prices.of('a');
      expect(calls).toBe(2);
    });

    it('keeps no put that another write has overtaken', async () => {
      gate = new Gate();
      const slow = prices.set('a', 1);
      await gate.reached;
      const held = gate;
      gate = undefined;
      await prices.set('a', 2);
      held.release();
      await slow;
      calls = 0;
      await prices.of('a');
      expect(calls).toBe(1);
    });

    it('evicts tags after success, those of a touched result too, and nothing after a failure', async () => {
      await prices.of('a');
      await cacheOf('prices').getOrSet('other', () => 1, { tags: ['learnt'] });
      await expect(prices.change('a', -1)).rejects.toThrow('not negative');
      await prices.of('a');
      expect(calls).toBe(1);
      expect(await prices.change('a', 5)).toEqual({ sku: 'a', cents: 5, since: new Date(0) });
      expect(await cacheOf('prices').get('other')).toBeUndefined();
      expect(await prices.of('a')).toMatchObject({ cents: 5 });
    });

    it('evicts one entry, or all of a cache, before the method where it says so', async () => {
      await prices.of('a');
      await prices.of('b');
      await prices.forget('a');
      expect([await cacheOf('prices').get('price:a'), await cacheOf('prices').get('price:b')]).toEqual([
        undefined,
        expect.anything(),
      ]);
      await cacheOf('small').set('kept', 'x');
      await expect(prices.reset()).rejects.toThrow('in vain');
      expect(await cacheOf('prices').get('price:b')).toBeUndefined();
      expect(await cacheOf('small').get('kept')).toBe('x');
    });

    it('@Caching does several, and runs the method once', async () => {
      await cacheOf('prices').getOrSet('x', () => 1, { tags: ['all'] });
      await cacheOf('prices').getOrSet('y', () => 1, { tags: ['other:a'] });
      expect(await prices.both('a')).toMatchObject({ cents: 7 });
      expect(calls).toBe(1);
      const held = await cacheOf('prices').getMany(['x', 'y', 'price:a', 'copy:a']);
      expect([...held.keys()]).toEqual(['price:a', 'copy:a']);
    });
  });

  describe('named caches', () => {
    it('@InjectCache gives the one that forFeature has declared, with its options', async () => {
      const { prices: injected, small } = app.get(Consumer);
      expect(injected.localUsage.bounds.maxEntries).toBe(50);
      await prices.of('a');
      expect(await injected.get('price:a')).toMatchObject({ sku: 'a' });
      await small.set('k', 'v');
      expect((await small.explain('k')).L1.ttlMs).toBeLessThanOrEqual(1_000);
    });

    it('are there with forRootAsync too, global or imported', async () => {
      @Module({
        imports: [
          CacheModule.forRootAsync({ isGlobal: false, useFactory: async () => ({ namespace: 'three' }) }),
          CacheModule.forFeature({ small: {} }),
        ],
        providers: [Prices],
      })
      class Imported {}
      const other = await failsOrStarts({ module: Imported });
      // What declares caches has to see the one that makes them: only a global one is seen.
      expect(other).toContain('CacheBackend');
      const whole = await start({
        module: App,
        imports: [CacheModule.forRootAsync({ useFactory: async () => ({ namespace: 'three' }) })],
        providers: [Prices],
      });
      await whole.get(Prices).of('a');
      await whole.get(Prices).of('a');
      expect(calls).toBe(1);
      await whole.close();
    });

    it('belong to one application, also when two share a process', async () => {
      const other = await start(App.with('two'));
      await prices.of('a');
      await other.get(Prices).of('a');
      expect(calls).toBe(2);
      await other.get(Prices).of('a');
      await prices.of('a');
      expect(calls).toBe(2);
      const orphan = other.get(Prices);
      await other.close();
      await orphan.of('a');
      expect(calls).toBe(3);
    });
  });

  describe('on HTTP handlers', () => {
    const get = (path: string, headers: Record<string, string> = {}) =>
      request(app.getHttpServer()).get(path).set(headers);

    it('the default key is the route and what the handler declares to read: nothing else makes an entry', async () => {
      await get('/things/7?part=a');
      await get('/things/7?part=a&junk=1&utm_source=x');
      expect(calls).toBe(1);
      for (const path of ['/things/7', '/things/8?part=a', '/things/7?part=b', '/things/7?part=']) await get(path);
      expect(calls).toBe(5);
    });

    it('takes all route parameters, and the headers it varies by', async () => {
      await get('/things/7/x', { 'accept-language': 'de' });
      await get('/things/7/x', { 'accept-language': 'de' });
      expect(calls).toBe(1);
      const { body } = await get('/things/7/x', { 'accept-language': 'fr' });
      expect(body).toEqual({ id: '7', deep: 'x', language: 'fr' });
      expect((await get('/things/7/y', { 'accept-language': 'de' })).body).toMatchObject({ deep: 'y' });
    });

    it('@CachePut makes the answer of a write the answer of the route that reads it', async () => {
      await get('/things/read/7/now').expect(200, { id: '7', loaded: true });
      await request(app.getHttpServer()).put('/things/7').send({ size: 3 }).expect(200, { id: '7', size: 3 });
      const read = await get('/things/read/7/now').expect(200, { id: '7', size: 3 });
      expect(read.headers['cache-status']).toContain('hit');
      expect(read.headers['cache-groups']).toBe('"things"');
      await request(app.getHttpServer()).patch('/things/off').expect(200);
      expect((await get('/things/read/7/now')).headers['cache-status']).toContain('hit');
    });

    it('several @CacheEvict on one handler each invalidate once', async () => {
      const { invalidations } = app.get(CacheBackend).strata;
      const before = invalidations.local.delete;
      const { headers } = await request(app.getHttpServer()).patch('/things/twice').expect(200);
      expect(headers['cache-group-invalidation']).toBe('"two", "three", "one"');
      expect(invalidations.local.delete - before).toBe(2);
    });

    it('@NoCache answers with no-store', async () => {
      const { headers } = await request(app.getHttpServer()).patch('/things/off');
      expect(headers['cache-control']).toBe('no-store');
      expect(headers['cache-group-invalidation']).toBeUndefined();
    });
  });

  describe('what cannot work ends the start, with the reason', () => {
    const controller = (define: () => Type): Promise<string> =>
      failsOrStarts(App.with('bad', { controllers: [define()], providers: [], exports: [] }));
    const provider = (define: () => Type): Promise<string> =>
      failsOrStarts(App.with('bad', { controllers: [], providers: [define()] }));

    it.each<[string, string]>([
      ['@Query() as a whole', 'name the parameters'],
      ['@Headers() that is not in vary', 'add it to "vary"'],
      ['@Req()', 'the request, its body or its session'],
      ['@Body()', 'the request, its body or its session'],
    ])('a default key for a handler that reads %s', async (what, reason) => {
      const inputs: Record<string, ParameterDecorator> = {
        '@Query() as a whole': Query(),
        '@Headers() that is not in vary': Headers('x-taste'),
        '@Req()': Req(),
        '@Body()': Body(),
      };
      const message = await controller(() => {
        class Wrong {
          read(): number {
            return 1;
          }
        }
        inputs[what]!(Wrong.prototype, 'read', 0);
        const descriptor = Object.getOwnPropertyDescriptor(Wrong.prototype, 'read')!;
        for (const decorate of [Cacheable(), Get('wrong')]) decorate(Wrong.prototype, 'read', descriptor);
        Object.defineProperty(Wrong.prototype, 'read', descriptor);
        Controller()(Wrong);
        return Wrong;
      });
      expect(message).toContain('@Cacheable on Wrong.read needs a "key": it reads');
      expect(message).toContain(reason);
    });

    it('a method that returns no promise', async () => {
      const message = await provider(() => {
        @Injectable()
        class Wrong {
          @Cacheable()
          sum(a: number): number {
            return a;
          }
        }
        return Wrong;
      });
      expect(message).toBe('decorators on Wrong.sum: the method must return a promise');
    });

    it('options of HTTP on a method of a provider', async () => {
      const message = await provider(() => {
        @Injectable()
        class Wrong {
          @Cacheable({ scope: 'user', vary: ['x'] })
          async sum(): Promise<number> {
            return 1;
          }
        }
        return Wrong;
      });
      expect(message).toContain('"scope" is for HTTP handlers');
      expect(message).toContain('"vary" is for HTTP handlers');
    });

    it('a key that is no function, and a ttl that is no duration, already when the class is defined', () => {
      const define = (decorate: MethodDecorator) => (): void => {
        class Wrong {
          async read(): Promise<number> {
            return 1;
          }
        }
        decorate(Wrong.prototype, 'read', Object.getOwnPropertyDescriptor(Wrong.prototype, 'read')!);
      };
      expect(define(Cacheable({ key: 'x' as never, ttl: 'soon' }))).toThrow(
        '@Cacheable on Wrong.read: "key" must be a function; "ttl" must be milliseconds',
      );
      expect(define(CachePut({} as never))).toThrow('"key" must be a function: it names the entry');
      expect(define(CacheEvict({ tags: ['x'] as never }))).toThrow('"tags" must be a function');
    });
  });
});
