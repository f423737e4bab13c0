import { Controller, Get, Module, Param, Render, type INestApplication } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { ExpressAdapter } from '@nestjs/platform-express';
import { FastifyAdapter, RouteSchema } from '@nestjs/platform-fastify';
import { Cacheable, CacheModule, FastLane, type FastLaneOptions } from '@strata/cache';
import type { FastifyInstance } from 'fastify';
import request from 'supertest';

let flag = '';
let isCurious = false;

@Controller()
class DoubtController {
  @Get('plain/:id')
  @Cacheable({ key: ({ params }) => `plain:${params['id']}`, scope: 'public' })
  plain(@Param('id') id: string) {
    return { id };
  }

  @Get('swallowed')
  @Cacheable({ scope: 'public', key: ({ headers }) => languageOf(() => String(headers['accept-language'])) })
  swallowed() {
    return { n: 1 };
  }

  @Get('looked-for')
  @Cacheable({ scope: 'public', key: (asked) => (swallow(() => Object.hasOwn(asked, 'user')) ? 'user' : 'nobody') })
  lookedFor() {
    return { n: 1 };
  }

  @Get('condition')
  @Cacheable({ scope: 'public', key: () => 'c', condition: ({ headers }) => !swallow(() => headers['x-no'] === '1') })
  condition() {
    return { n: 1 };
  }

  @Get('sometimes')
  @Cacheable({ scope: 'public', key: () => 's', condition: (asked) => !isCurious || !swallow(() => !asked.headers) })
  sometimes() {
    return { n: 1 };
  }

  @Get('flagged')
  @Cacheable({ scope: 'public', key: ({ query }) => (query['v'] === '2' ? `flagged${flag}` : 'flagged') })
  flagged() {
    return { flag };
  }

  @Get('schema')
  @RouteSchema({ headers: { type: 'object', required: ['x-api-key'] } })
  @Cacheable({ scope: 'public' })
  schema() {
    return { secret: 1 };
  }

  @Get('view')
  @Render('view')
  @Cacheable({ scope: 'public' })
  view() {
    return { title: 'T', internal: 42 };
  }
}

/** As people write it who would rather answer in English than fail. */
function languageOf(read: () => string): string {
  try {
    return `lang:${new Intl.Locale(read()).language}`;
  } catch {
    return 'lang:en';
  }
}

function swallow(look: () => boolean): boolean {
  try {
    return look();
  } catch {
    return false;
  }
}

@Module({ imports: [CacheModule.forRoot({})], controllers: [DoubtController] })
class DoubtModule {}

let app: INestApplication;
let lane: FastLane;

type Adapter = FastifyAdapter | ExpressAdapter;

async function start(adapter: Adapter, options: FastLaneOptions = {}, ofApp: object = {}): Promise<void> {
  app = await NestFactory.create(DoubtModule, adapter as FastifyAdapter, { logger: false, ...ofApp });
  lane = app.get(FastLane);
  lane.open(options);
  await app.listen(0, '127.0.0.1');
  flag = '';
}

const get = (path: string, headers: Record<string, string> = {}) =>
  request(app.getHttpServer() as never)
    .get(path)
    .set(headers);

/** The miss, the hit that is learnt from, and one that the lane may give. */
async function thrice(path: string, headers: Record<string, string> = {}): Promise<void> {
  for (let i = 0; i < 3; i++) await get(path, headers).expect(200);
}

afterEach(() => app.close());

const ADAPTERS = [
  ['Fastify', () => new FastifyAdapter()],
  ['Express', () => new ExpressAdapter()],
] as const;

describe.each(ADAPTERS)('doubts of the fast lane on %s', (name, adapter) => {
  it.each(['/swallowed', '/looked-for', '/condition'])(
    'what a function reads besides the URL counts, also where it catches the refusal: %s',
    async (path) => {
      await start(adapter());
      await thrice(path, { 'accept-language': 'en' });
      expect(lane.usage.urls).toBe(0);
    },
  );

  it('forgets a URL whose condition begins to look at more than it', async () => {
    await start(adapter());
    await thrice('/sometimes');
    const { answers } = lane.usage;
    isCurious = true;
    await get('/sometimes').expect(200);
    isCurious = false;
    expect([answers, lane.usage]).toEqual([1, { answers: 1, urls: 0, bytes: 0 }]);
  });

  it('answers in the language that is asked for', async () => {
    await start(adapter());
    await thrice('/swallowed', { 'accept-language': 'en' });
    expect((await get('/swallowed', { 'accept-language': 'de' })).headers['cache-status']).toContain('fwd=uri-miss');
  });

  it('asks the functions of each URL again, also of one that shares its entry with a busier one', async () => {
    await start(adapter());
    await thrice('/flagged?v=1');
    await thrice('/flagged?v=2');
    flag = ':moved';
    const now = jest.spyOn(Date, 'now');
    for (const ms of [700, 1_400]) {
      now.mockReturnValue(new Date().getTime() + ms);
      await get('/flagged?v=1').expect(200);
    }
    const moved = await get('/flagged?v=2');
    now.mockRestore();
    expect(moved.body).toEqual({ flag: ':moved' });
  });

  it('leaves to Nest what an adapter of a class of its own does before each request', async () => {
    await start(guarding(name));
    await thrice('/plain/1', { 'x-api-key': 'secret' });
    await get('/plain/1').expect(401);
    expect(lane.usage.answers).toBe(0);
  });

  it('does not add a cookie to an answer for everybody', async () => {
    let isNew = false;
    await start(adapter(), { before: () => (isNew ? ['set-cookie', 'sid=1'] : []) });
    await thrice('/plain/1');
    const { answers } = lane.usage;
    isNew = true;
    const { headers } = await get('/plain/1');
    expect([lane.usage.answers, headers['set-cookie']]).toEqual([answers, undefined]);
  });

  it('a hook that is set late is met by URLs that are known already', async () => {
    const adapted = adapter();
    await start(adapted);
    await thrice('/plain/1');
    const { answers } = lane.usage;
    let seen = 0;
    adapted.setOnRequestHook(((_request: unknown, _response: unknown, done: () => void) => {
      seen++;
      done();
    }) as never);
    await get('/plain/1').expect(200);
    expect(lane.usage.answers).toBe(answers);
    if (name === 'Fastify') expect(seen).toBe(1);
  });

  it('a handler told of each route is told', async () => {
    const adapted = adapter();
    const told: string[] = [];
    adapted.setOnRouteTriggered((_method, path) => void told.push(path));
    await start(adapted);
    await thrice('/plain/1');
    expect([told.length, lane.usage.answers]).toEqual([3, 0]);
  });

  it('says the time rightly when the clock has been set back', async () => {
    await start(adapter());
    await thrice('/plain/1');
    const real = Date.now();
    const now = jest.spyOn(Date, 'now').mockReturnValue(real + 100_000);
    expect((await get('/plain/1')).headers['age']).toBe('100');
    now.mockReturnValue(real + 20_000);
    const { headers } = await get('/plain/1');
    now.mockRestore();
    expect(headers['age']).toBe('20');
  });
});

/** An adapter of a class of its own that asks for a key. */
function guarding(name: string): Adapter {
  class GuardingFastify extends FastifyAdapter {
    constructor() {
      super();
      this.getInstance().addHook('onRequest', (asked, reply, done) => {
        if (asked.headers['x-api-key'] === 'secret') return done();
        void reply.code(401).send();
      });
    }
  }
  class GuardingExpress extends ExpressAdapter {
    constructor() {
      super();
      this.use((asked: { headers: object }, response: { status(code: number): { end(): void } }, next: () => void) => {
        if ('x-api-key' in asked.headers) next();
        else response.status(401).end();
      });
    }
  }
  return name === 'Fastify' ? new GuardingFastify() : new GuardingExpress();
}

describe('doubts of the fast lane on one framework', () => {
  it('Fastify: a schema of the route may refuse a request', async () => {
    await start(new FastifyAdapter());
    await thrice('/schema', { 'x-api-key': 'a' });
    await get('/schema').expect(400);
  });

  it('Fastify: routes that are chosen by host, also those that Nest knows nothing of, shut it', async () => {
    const adapter = new FastifyAdapter();
    adapter.getInstance<FastifyInstance>().route({
      method: 'GET',
      url: '/plain/:id',
      constraints: { host: 'b.example' },
      handler: () => Promise.resolve('tenant b'),
    });
    await start(adapter);
    await thrice('/plain/1');
    expect((await get('/plain/1', { host: 'b.example' })).text).toBe('tenant b');
  });

  it('Fastify: middleware that is added late is met by URLs that are known already', async () => {
    await start(new FastifyAdapter());
    await thrice('/plain/1');
    let seen = 0;
    app.use((_request: unknown, _response: unknown, next: () => void) => {
      seen++;
      next();
    });
    await get('/plain/1').expect(200);
    expect(seen).toBe(1);
  });

  it('Fastify: what closes refuses also what the lane knows', async () => {
    const adapter = new FastifyAdapter();
    await start(adapter, {}, { return503OnClosing: true });
    await thrice('/plain/1');
    adapter.beforeClose();
    await get('/plain/1').expect(503);
  });

  it('Express: a URL that middleware has rewritten is not learnt', async () => {
    const rewriting = (asked: { url: string; headers: { host?: string } }, _response: unknown, next: () => void) => {
      asked.url = `/plain/${asked.headers.host!.charAt(0)}`;
      next();
    };
    const adapter = new ExpressAdapter();
    adapter.use(rewriting);
    await start(adapter, { standsFor: [rewriting] });
    await thrice('/tenant', { host: 'a.example' });
    expect(lane.usage.urls).toBe(0);
    expect((await get('/plain/a', { host: 'b.example' })).body).toEqual({ id: 'b' });
  });

  it.each([undefined, 'us'])('Express: a header that something else has made %s stays so', async (text) => {
    const changing = (
      _asked: unknown,
      response: { removeHeader(name: string): void; setHeader(name: string, text: string): void },
      next: () => void,
    ) => {
      if (text === undefined) response.removeHeader('x-powered-by');
      else response.setHeader('x-powered-by', text);
      next();
    };
    const adapter = new ExpressAdapter();
    adapter.use(changing);
    await start(adapter, { standsFor: [changing] });
    await thrice('/plain/1');
    expect((await get('/plain/1')).headers['x-powered-by']).toBe(text);
  });

  it('Express: a view is rendered each time, of what the handler returns', async () => {
    const adapter = new ExpressAdapter();
    const views = adapter.getInstance<{
      engine(ext: string, render: unknown): void;
      set(name: string, v: string): void;
    }>();
    views.engine('html', (_path: string, model: { title: string }, done: (e: null, html: string) => void) =>
      done(null, `<h1>${model.title}</h1>`),
    );
    views.set('view engine', 'html');
    views.set('views', `${__dirname}/../support/views`);
    await start(adapter);
    await thrice('/view');
    const { text, headers } = await get('/view');
    expect([text, headers['cache-status']]).toEqual(['<h1>T</h1>', expect.stringContaining('fwd=bypass')]);
  });

  it('a framework that cannot be looked into keeps it shut, and the application starts', async () => {
    const adapter = new FastifyAdapter();
    adapter.getInstance<FastifyInstance>().printRoutes = () => {
      throw new Error('changed since');
    };
    await start(adapter);
    await thrice('/plain/1');
    expect(lane.usage.answers).toBe(0);
  });

  it('an adapter that cannot be made a second time keeps it shut, and the application starts', async () => {
    class Needy extends ExpressAdapter {
      readonly limit: number;
      constructor(options: { limit: number }) {
        super();
        this.limit = options.limit;
      }
    }
    await start(new Needy({ limit: 1 }));
    await thrice('/plain/1');
    expect(lane.usage.answers).toBe(0);
  });
});
