import {
  Controller,
  Get,
  Header,
  Module,
  NotFoundException,
  Put,
  Res,
  type INestApplication,
  type Type,
} from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { ExpressAdapter, type NestExpressApplication } from '@nestjs/platform-express';
import { FastifyAdapter, RouteSchema, type NestFastifyApplication } from '@nestjs/platform-fastify';
import {
  Cacheable,
  CacheEvict,
  CacheModule,
  touched,
  withHeaders,
  type CacheModuleOptions,
  RequestStats,
  CacheBackend,
} from '@strata/cache';
import { Gate } from '@strata/cache/testing';
import request from 'supertest';

const SECRET = { id: 1, password: 'secret' };
const ID_ALONE = { response: { 200: { type: 'object', properties: { id: { type: 'number' } } } } };

@Controller()
class Answers {
  calls = 0;

  @Get('plain/page')
  page() {
    return '<h1>hello</h1>';
  }

  @Get('cached/page')
  @Cacheable({ key: () => 'page', scope: 'public' })
  cachedPage() {
    return this.page();
  }

  @Get('plain/json')
  json() {
    return { ...SECRET, text: '<&>' };
  }

  @Get('cached/json')
  @Cacheable({ key: () => 'json', scope: 'public' })
  cachedJson() {
    this.calls++;
    return this.json();
  }

  @Get('varied')
  @Cacheable({ key: () => 'varied', scope: 'public' })
  varied(@Res({ passthrough: true }) response: { setHeader?: Set; header: Set }) {
    (response.setHeader ?? response.header).call(response, 'Vary', 'Origin');
    return { n: ++this.calls };
  }

  @Get('declared')
  @Header('Vary', 'Origin')
  @Cacheable({ key: () => 'declared', scope: 'public' })
  declared() {
    return { n: ++this.calls };
  }

  @Get('missing')
  @Cacheable({ key: () => 'missing', scope: 'public', negativeStatuses: [404] })
  missing() {
    throw new NotFoundException();
  }

  @Get('over')
  @Cacheable({ key: () => 'over', scope: 'public', ttl: () => -5 })
  over() {
    return { n: ++this.calls };
  }

  @Get('tagged')
  @Cacheable({
    key: () => 'tagged',
    scope: 'public',
    tags: () => Array.from({ length: 100 }, (_, i) => `${i}-`.padEnd(200, 'x')),
  })
  tagged() {
    return {};
  }

  @Get('untold')
  @Cacheable({ key: () => 'untold', scope: 'public', tags: () => ['t'], cacheGroups: false })
  untold() {
    return {};
  }

  @Get('slow')
  @Cacheable({ key: () => 'slow', scope: 'public', hardTimeout: 20 })
  slow() {
    return new Promise(() => undefined);
  }

  @Put('written')
  @CacheEvict({})
  written() {
    return touched(withHeaders({ n: 1 }, { 'X-Kind': 'write' }), 't');
  }
}

type Set = (name: string, value: string) => unknown;

@Controller()
class WithSchema {
  @Get('plain/schema')
  @RouteSchema(ID_ALONE)
  plain() {
    return SECRET;
  }

  @Get('media')
  @RouteSchema({
    response: { '2xx': { content: { 'application/json': { schema: ID_ALONE.response[200] } } } },
  })
  @Cacheable({ key: () => 'media', scope: 'public' })
  media() {
    return SECRET;
  }

  private gate = Promise.resolve();
  reads = 0;

  /** The next reads of `slow` wait for this. */
  wait(gate: Promise<void>) {
    this.gate = gate;
  }

  @Get('slow')
  @RouteSchema(ID_ALONE)
  @Cacheable({ key: () => 'slow', scope: 'public', staleIfError: '1m', softTimeout: 1 })
  async slow() {
    await this.gate;
    return { ...SECRET, id: ++this.reads };
  }

  @Get('cached/schema')
  @RouteSchema(ID_ALONE)
  @Cacheable({ key: () => 'schema', scope: 'public' })
  cached() {
    return SECRET;
  }
}

const adapters = { Fastify: () => new FastifyAdapter(), Express: () => new ExpressAdapter() };

async function created(
  adapter: object,
  controllers: Type[],
  options: CacheModuleOptions = {},
): Promise<INestApplication> {
  @Module({ imports: [CacheModule.forRoot(options)], controllers })
  class App {}
  return NestFactory.create(App, adapter as never, { logger: false, abortOnError: false });
}

describe.each(Object.entries(adapters))('on %s, a cached route', (name, adapter) => {
  let app: INestApplication;
  const start = async (
    prepare: (app: INestApplication) => unknown = () => undefined,
    controllers: Type[] = [Answers],
  ) => {
    app = await created(adapter(), controllers);
    await prepare(app);
    await app.listen(0, '127.0.0.1');
  };
  const get = (path: string, headers: Record<string, string> = {}) =>
    request(app.getHttpServer()).get(path).set(headers);
  const status = async (path: string, headers = {}) => String((await get(path, headers)).headers['cache-status']);
  afterEach(() => app.close());

  it.each(['page', 'json'])('answers with the type and the words that it has without the cache: %s', async (what) => {
    const settings = { 'json spaces': 2, 'json escape': true, 'json replacer': ['id', 'text'] };
    await start((one) => {
      if (name === 'Express')
        for (const [key, value] of Object.entries(settings)) (one as NestExpressApplication).set(key, value);
    });
    const plain = await get(`/plain/${what}`);
    for (const _ of ['miss', 'hit']) {
      const cached = await get(`/cached/${what}`);
      expect([cached.text, cached.headers['content-type']]).toEqual([plain.text, plain.headers['content-type']]);
    }
    expect(await status(`/cached/${what}`)).toContain('hit');
  });

  it('keeps what a request without an allowed origin has been given, under CORS for some', async () => {
    await start((one) => one.enableCors({ origin: ['https://a.example'] }));
    expect(await status('/cached/json')).toContain('stored');
    expect(await status('/cached/json')).toContain('hit');
    const allowed = await get('/cached/json', { origin: 'https://a.example' });
    expect(allowed.headers).toMatchObject({ vary: 'Origin', 'access-control-allow-origin': 'https://a.example' });
    expect(allowed.headers['cache-control']).toBe('no-cache');
  });

  it.each(['/varied', '/declared'])(
    'keeps nothing where the handler itself says that it varies by Origin: %s',
    async (path) => {
      await start((one) => one.enableCors());
      for (const n of [1, 2]) expect((await get(path, { origin: `https://${n}.example` })).body).toEqual({ n });
    },
  );

  it('says how old a kept error is', async () => {
    await start();
    await get('/missing').expect(404);
    expect((await get('/missing').expect(404)).headers).toMatchObject({
      age: '0',
      'cache-status': expect.stringContaining('hit'),
    });
  });

  it('does not fail and does not keep where the ttl is over already', async () => {
    await start();
    for (const n of [1, 2]) expect((await get('/over').expect(200)).body).toEqual({ n });
  });

  it('tells the type of the 200 in a 304 to HEAD, or none', async () => {
    await start();
    const { headers } = await get('/cached/json');
    const head = request(app.getHttpServer()).head('/cached/json').set('if-none-match', headers['etag']!);
    expect([undefined, headers['content-type']]).toContain((await head.expect(304)).headers['content-type']);
  });

  it('has no header of groups that clients and proxies refuse, and none where it is not wanted', async () => {
    await start();
    expect((await get('/tagged').expect(200)).headers['cache-groups']!.length).toBeLessThanOrEqual(4_096);
    expect((await get('/untold').expect(200)).headers['cache-groups']).toBeUndefined();
  });

  it('answers 503 for a handler that takes longer than hardTimeout, and counts it as a miss', async () => {
    await start();
    await get('/slow').expect(503);
    await get('/missing').expect(404);
    await get('/missing').expect(404);
    expect(app.get(RequestStats).snapshot()).toMatchObject({ totalRequests: 3, cacheHits: 1, cacheMisses: 2 });
  });

  it('a write sends its value and headers, whatever they are wrapped in', async () => {
    await start();
    const { body, headers } = await request(app.getHttpServer()).put('/written').expect(200);
    expect([body, headers['x-kind']]).toEqual([{ n: 1 }, 'write']);
  });
});

describe('on Fastify, what turns objects into text', () => {
  let app: INestApplication | undefined;
  afterEach(async () => {
    jest.restoreAllMocks();
    await app?.close();
  });

  it('response schemas hold for cached routes', async () => {
    app = await created(new FastifyAdapter(), [WithSchema]);
    await app.listen(0, '127.0.0.1');
    for (const path of ['plain', 'cached', 'cached']) {
      expect((await request(app.getHttpServer()).get(`/${path}/schema`)).text).toBe('{"id":1}');
    }
  });

  it('response schemas hold for media types, and where the request has had its answer before the handler', async () => {
    app = await created(new FastifyAdapter(), [WithSchema]);
    await app.listen(0, '127.0.0.1');
    const get = (path: string, headers = {}) => request(app!.getHttpServer()).get(path).set(headers);
    for (const _ of [1, 2]) expect((await get('/media').expect(200)).text).toBe('{"id":1}');

    const { headers, text } = await get('/slow');
    expect(text).toBe('{"id":1}');
    const gate = new Gate();
    app.get(WithSchema).wait(gate.pass());
    const cache = app.get(CacheBackend).httpCache();
    // Old, not invalidated: what softTimeout may serve.
    jest.spyOn(Date, 'now').mockReturnValue(Date.now() + 310_000);
    await get('/slow', { 'if-none-match': headers['etag']! }).expect(304);
    gate.release();
    await cache.settled();
    expect((await get('/slow')).text).toBe('{"id":2}');
  });

  it('a preSerialization hook ends the start, unless it is declared', async () => {
    const hook = (_request: unknown, _reply: unknown, payload: unknown, done: (error: null, value: unknown) => void) =>
      done(null, payload);
    const hooked = async (options: CacheModuleOptions) => {
      app = await created(new FastifyAdapter(), [Answers], options);
      (app as NestFastifyApplication)
        .getHttpAdapter()
        .getInstance()
        .addHook('preSerialization', hook as never);
      await app.listen(0, '127.0.0.1');
    };
    await expect(hooked({})).rejects.toThrow(/preSerialization hook "hook"/);
    for (const declared of [hook as never, 'preSerialization' as const]) {
      await hooked({ transparentInterceptors: [declared] });
      await request(app!.getHttpServer()).get('/cached/json').expect(200);
      await app!.close();
    }
    app = undefined;
  });
});
