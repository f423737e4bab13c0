import { once } from 'node:events';
import { connect } from 'node:net';
import {
  Controller,
  Get,
  Header,
  Headers,
  Injectable,
  Module,
  Param,
  Query,
  Scope,
  UseGuards,
  UseInterceptors,
  type CallHandler,
  type CanActivate,
  type ExecutionContext,
  type INestApplication,
  type NestInterceptor,
} from '@nestjs/common';
import { APP_GUARD, NestFactory } from '@nestjs/core';
import { ExpressAdapter } from '@nestjs/platform-express';
import { FastifyAdapter, RouteConstraints, type NestFastifyApplication } from '@nestjs/platform-fastify';
import { Cacheable, CacheBackend, CacheModule, FastLane, type FastAnswer } from '@strata/cache';
import request from 'supertest';

let calls = 0;
let isOn = true;
let suffix = '';

@Injectable()
class Open implements CanActivate {
  canActivate(): boolean {
    return true;
  }
}

@Injectable()
class Passes implements NestInterceptor {
  intercept(_context: ExecutionContext, next: CallHandler) {
    return next.handle();
  }
}

@Controller()
class LaneController {
  @Get('plain/:id')
  @Cacheable({ key: ({ params }) => `plain:${params['id']}${suffix}`, tags: () => ['plain'], scope: 'public' })
  plain(@Param('id') id: string) {
    return { id, n: ++calls, text: 'ä'.repeat(10) };
  }

  @Get('default/:id')
  @Cacheable()
  byDefault(@Param('id') id: string, @Query('view') view?: string) {
    return { id, view, n: ++calls };
  }

  @Get('long')
  @Cacheable({ scope: 'public' })
  long() {
    calls++;
    return { text: 'long '.repeat(5_000) };
  }

  @Get('switched')
  @Cacheable({ scope: 'public', condition: () => isOn })
  switched() {
    return ++calls;
  }

  @Get('off/guarded')
  @UseGuards(Open)
  @Cacheable({ scope: 'public' })
  guarded() {
    return ++calls;
  }

  @Get('off/intercepted')
  @UseInterceptors(Passes)
  @Cacheable({ scope: 'public' })
  intercepted() {
    return ++calls;
  }

  @Get('off/header')
  @Header('x-more', 'yes')
  @Cacheable({ scope: 'public' })
  header() {
    return ++calls;
  }

  @Get('off/vary')
  @Cacheable({ scope: 'public', vary: ['X-Kind'] })
  vary(@Headers('x-kind') kind?: string) {
    return { kind, n: ++calls };
  }

  @Get('off/by-header')
  @Cacheable({ scope: 'public', key: ({ headers }) => `by:${String(headers['x-kind'])}` })
  byHeader() {
    return ++calls;
  }

  @Get('off/spread')
  @Cacheable({ scope: 'public', condition: (asked) => Object.keys({ ...asked }).length > 0 })
  spread() {
    return ++calls;
  }

  @Get('off/user')
  @Cacheable({ scope: 'user', identity: () => 'me' })
  user() {
    return ++calls;
  }
}

@Injectable({ scope: Scope.REQUEST })
class PerRequest {}

@Controller('off/per-request')
class PerRequestController {
  constructor(readonly one: PerRequest) {}

  @Get()
  @Cacheable({ key: () => 'per-request', scope: 'public' })
  find() {
    return ++calls;
  }
}

@Module({
  imports: [CacheModule.forRoot({})],
  controllers: [LaneController, PerRequestController],
  providers: [PerRequest],
})
class LaneModule {}

const ADAPTERS = [
  ['Fastify', () => new FastifyAdapter()],
  ['Express', () => new ExpressAdapter()],
] as const;

type Prepare = (app: INestApplication, lane: FastLane) => void;

describe.each(ADAPTERS)('fast lane on %s', (framework, adapter) => {
  let app: INestApplication;
  let lane: FastLane;
  const http = () => request(app.getHttpServer() as never);

  async function start(prepare: Prepare = (_app, one) => one.open(), module: object = LaneModule): Promise<void> {
    app = await NestFactory.create(module as never, adapter() as FastifyAdapter, { logger: false });
    lane = app.get(FastLane);
    prepare(app, lane);
    await app.listen(0, '127.0.0.1');
    [calls, isOn, suffix] = [0, true, ''];
  }

  afterEach(() => app.close());

  /** Asks three times: the miss, the hit that is learnt from, and what comes then. */
  async function thrice(path: string, headers: Record<string, string> = {}) {
    await http().get(path).set(headers).expect(200);
    const learnt = await http().get(path).set(headers).expect(200);
    const last = await http().get(path).set(headers).expect(200);
    expect(last.text).toBe(learnt.text);
    return { learnt, last };
  }

  it('answers what the interceptor has answered before, with the same bytes and headers', async () => {
    await start();
    for (const path of ['/plain/1', '/default/1?view=a', '/long']) {
      const before = lane.usage.answers;
      const { learnt, last } = await thrice(path, { 'accept-encoding': 'identity' });
      expect(lane.usage.answers).toBe(before + 1);
      const stable = ({ date: _date, age: _age, 'cache-status': _status, ...others }: Record<string, unknown>) =>
        others;
      expect(stable(last.headers)).toEqual(stable(learnt.headers));
      expect(last.headers['cache-status']).toMatch(/^strata; hit; ttl=\d+; detail=L1$/);
      expect(last.headers['age']).toBe('0');
    }
    expect(calls).toBe(3);
  });

  /** A hook of Fastify, or middleware of Express, that sets a header. */
  const setting =
    (name: string, value: string) =>
    (_request: unknown, response: { header(name: string, value: string): unknown }, next: () => void): void => {
      response.header(name, value);
      next();
    };

  function addHook(made: INestApplication, hook: ReturnType<typeof setting>): void {
    if (framework === 'Express') made.use(hook);
    else
      (made as NestFastifyApplication)
        .getHttpAdapter()
        .getInstance()
        .addHook('onRequest', hook as never);
  }

  it.each(['guarded', 'intercepted', 'header', 'vary', 'by-header', 'spread', 'user', 'per-request'])(
    'never takes a route that must be reached: %s',
    async (name) => {
      await start();
      await thrice(`/off/${name}`);
      expect(lane.usage).toEqual({ answers: 0, urls: 0, bytes: 0 });
    },
  );

  it('stays shut for the whole application when a guard of it is global', async () => {
    @Module({ imports: [LaneModule], providers: [{ provide: APP_GUARD, useClass: Open }] })
    class Guarded {}
    await start(undefined, Guarded);
    await thrice('/plain/1');
    expect(lane.usage.answers).toBe(0);
  });

  it('leaves to Nest what middleware sees that it does not stand for', async () => {
    let seen = 0;
    const middleware = (_request: unknown, _response: unknown, next: () => void): void => {
      seen++;
      next();
    };
    await start((made, one) => {
      made.use(middleware);
      one.open();
    });
    await thrice('/plain/1');
    expect([seen, lane.usage.answers]).toEqual([3, 0]);
  });

  it('does not believe that a header is stood for which nobody gives', async () => {
    const hook = setting('x-odd', 'set');
    await start((made, one) => {
      addHook(made, hook);
      one.open({ standsFor: [hook] });
    });
    const { last } = await thrice('/plain/1');
    expect([last.headers['x-odd'], lane.usage.answers]).toEqual(['set', 0]);
  });

  it('leaves to Nest what the adapter does on each request', async () => {
    let seen = 0;
    await start((made, one) => {
      const own = made.getHttpAdapter() as { setOnRequestHook?: (hook: (...given: unknown[]) => void) => void };
      own.setOnRequestHook!((_request, _response, done) => {
        seen++;
        (done as () => void)();
      });
      one.open();
    });
    await thrice('/plain/1');
    expect([seen, lane.usage.answers]).toEqual([3, 0]);
  });

  it('leaves to Nest what has CORS headers', async () => {
    await start((made, one) => {
      made.enableCors({ origin: ['https://a.example', 'https://b.example'] });
      one.open();
    });
    for (const origin of ['https://a.example', 'https://b.example']) {
      const { last } = await thrice('/plain/1', { origin });
      expect(last.headers['access-control-allow-origin']).toBe(origin);
    }
    expect(lane.usage).toEqual({ answers: 0, urls: 0, bytes: 0 });
  });

  it('is shut unless it is opened, and cannot be opened too late or twice', async () => {
    await start(() => undefined);
    await thrice('/plain/1');
    expect(lane.usage.answers).toBe(0);
    expect(() => lane.open()).toThrow('open the fast lane once, before app.init() or app.listen()');
  });

  it('does the work of the application before and after each answer', async () => {
    const answers: FastAnswer[] = [];
    let isDraining = false;
    const hook = setting('x-own', 'mine');
    await start((made, one) => {
      addHook(made, hook);
      one.open({
        standsFor: [hook],
        before: () => (isDraining ? undefined : ['x-own', 'mine']),
        after: (_request, answer) => void answers.push(answer),
      });
    });
    const { last } = await thrice('/plain/1');
    expect(last.headers['x-own']).toBe('mine');
    expect(answers).toEqual([
      {
        method: 'GET',
        route: '/plain/:id',
        status: 200,
        cacheStatus: last.headers['cache-status'],
        headers: expect.arrayContaining(['x-own', 'mine', 'etag']) as unknown,
        seconds: expect.any(Number) as unknown,
      },
    ]);
    isDraining = true;
    await http().get('/plain/1').expect(200);
    expect(lane.usage.answers).toBe(1);
  });

  it('serves on when what the application does afterwards throws', async () => {
    await start((_app, one) =>
      one.open({
        after: () => {
          throw new Error('of the application');
        },
      }),
    );
    await thrice('/plain/1');
    await http().get('/plain/1').expect(200);
    expect(lane.usage.answers).toBe(2);
  });

  it('sees an invalidation at once, and an entry that has taken the place of another', async () => {
    await start();
    await thrice('/plain/1');
    await app.get(CacheBackend).strata.invalidateTags(['plain']);
    const { learnt } = await thrice('/plain/1');
    expect(learnt.body).toMatchObject({ n: 2 });
  });

  it('asks a condition each time, and forgets a URL whose key has changed', async () => {
    await start();
    await thrice('/switched');
    isOn = false;
    expect((await http().get('/switched')).headers['cache-status']).toContain('detail=condition');
    await thrice('/plain/1');
    suffix = ':other';
    jest.spyOn(Date, 'now').mockReturnValue(Date.now() + 1_500);
    const moved = await http().get('/plain/1');
    jest.restoreAllMocks();
    expect(moved.headers['cache-status']).toContain('fwd=uri-miss');
  });

  it('leaves requests that ask for something special to Nest', async () => {
    await start();
    await thrice('/default/1');
    const special = [
      { 'cache-control': 'no-store' },
      { pragma: 'no-cache' },
      { range: 'bytes=0-1' },
      { authorization: 'Bearer a' },
      { cookie: 'a=b' },
    ];
    const before = lane.usage.answers;
    for (const headers of special)
      await http()
        .get('/default/1')
        .set(headers as never);
    await http().head('/default/1').expect(200);
    await http().post('/default/1').expect(404);
    expect(lane.usage.answers).toBe(before);
  });

  it('counts a hit where the interceptor would have counted it', async () => {
    await start();
    await thrice('/plain/1');
    const { hits, misses } = app.get(CacheBackend).httpCache().counters.local;
    expect([hits, misses, lane.usage.answers]).toEqual([2, 1, 1]);
  });

  it('answers 304, and each encoding that was asked for before, from what is there', async () => {
    await start();
    const { last } = await thrice('/long', { 'accept-encoding': 'gzip' });
    expect(last.headers['content-encoding']).toBe('gzip');
    const etag = last.headers['etag'] as string;
    const before = lane.usage.answers;
    await http().get('/long').set({ 'accept-encoding': 'gzip', 'if-none-match': etag }).expect(304);
    expect(lane.usage.answers).toBe(before + 1);
    const unmade = await http().get('/long').set('accept-encoding', 'br').buffer(false);
    expect(unmade.headers['content-encoding']).toBe('br');
    expect(lane.usage.answers).toBe(before + 1);
  });

  it('keeps the order of requests that are pipelined on one connection', async () => {
    await start();
    for (const id of [1, 2, 3]) await thrice(`/plain/${id}`);
    const socket = connect((app.getHttpServer().address() as { port: number }).port, '127.0.0.1');
    const paths = ['/plain/1', '/off/by-header', '/plain/2', '/plain/9', '/plain/3'];
    socket.end(paths.map((path) => `GET ${path} HTTP/1.1\r\nHost: a\r\n\r\n`).join(''));
    let text = '';
    socket.on('data', (chunk) => (text += String(chunk)));
    await once(socket, 'end');
    const bodies = [...text.matchAll(/"id":"(\d)"|\r\n\r\n(\d+)/g)].map(([, id, n]) => id ?? `n${n!}`);
    expect(bodies).toEqual(['1', 'n4', '2', '9', '3']);
  });

  it('a key function cannot read on the lane what the URL does not say', async () => {
    await start();
    await thrice('/plain/1');
    const { request: seen } = lane.find({ method: 'GET', url: '/plain/1', headers: {} } as never)!.plan.asked;
    expect(() => seen.headers).toThrow('it reads "headers" of the request');
    expect(seen.params['id']).toBe('1');
  });

  it.each([
    ['sets what the cache sets', () => ['cache-control', 'public']],
    [
      'throws',
      () => {
        throw new Error('of the application');
      },
    ],
  ])('a route is not taken when what the application does before it %s', async (_what, before) => {
    await start((_app, one) => one.open({ before }));
    await thrice('/plain/1');
    expect(lane.usage.answers).toBe(0);
  });

  it('keeps an answer for each form that there is, and nothing for what a caller makes up', async () => {
    await start();
    await thrice('/plain/1');
    const cache = app.get(CacheBackend).httpCache();
    const [before, bytes] = [lane.usage.answers, cache.localUsage.bytes];
    const many = Array.from({ length: 300 }, (_, i) => `"tag${i}"`).join(', ');
    for (const asked of [{ 'if-none-match': many }, { 'if-none-match': '"a"' }, { 'accept-encoding': 'x, y;q=0.3' }])
      await http().get('/plain/1').set(asked).expect(200);
    expect([lane.usage.answers, cache.localUsage.bytes]).toEqual([before + 3, bytes]);
    await http().get('/plain/1').set('if-none-match', '*').expect(304);
    expect(cache.localUsage.bytes).toBeGreaterThan(bytes);
  });
});

describe('fast lane, what only one framework has', () => {
  async function answersOf(app: INestApplication, path: string): Promise<number> {
    const lane = app.get(FastLane);
    lane.open();
    await app.listen(0, '127.0.0.1');
    for (let round = 0; round < 3; round++)
      await request(app.getHttpServer() as never)
        .get(path)
        .expect(200);
    await app.close();
    return lane.usage.answers;
  }

  class Narrowed {
    @Get('narrowed')
    @RouteConstraints({ host: 'a.example' })
    narrowed() {
      return 1;
    }
  }

  @Controller()
  class InheritsController extends Narrowed {}

  it.each([new FastifyAdapter(), new ExpressAdapter()])('none of what follows: it answers', async (adapter) => {
    const app = await NestFactory.create(LaneModule, adapter as FastifyAdapter, { logger: false });
    expect(await answersOf(app, '/plain/1')).toBe(1);
  });

  it('Fastify: routes that are chosen by host, inherited ones too, shut it', async () => {
    @Module({ imports: [LaneModule], controllers: [InheritsController] })
    class WithInherited {}
    const app = await NestFactory.create(WithInherited, new FastifyAdapter(), { logger: false });
    expect(await answersOf(app, '/plain/1')).toBe(0);
  });

  it('Fastify: a hook that a plugin has put on the route alone keeps it off', async () => {
    const adapter = new FastifyAdapter();
    adapter.getInstance().addHook('onRoute', (route) => {
      route.preHandler = (_request, _reply, done) => done();
    });
    const app = await NestFactory.create(LaneModule, adapter, { logger: false });
    expect(await answersOf(app, '/plain/1')).toBe(0);
  });

  it('Fastify: a log of each request shuts it', async () => {
    const adapter = new FastifyAdapter({ logger: { level: 'silent' } });
    const app = await NestFactory.create(LaneModule, adapter, { logger: false });
    expect(await answersOf(app, '/plain/1')).toBe(0);
  });

  it('Express: handlers of parameters shut it', async () => {
    const adapter = new ExpressAdapter();
    adapter
      .getInstance<{ param(name: string, handle: (...given: (() => void)[]) => void): void }>()
      .param('id', (_request, _response, next) => next());
    const app = await NestFactory.create(LaneModule, adapter, { logger: false });
    expect(await answersOf(app, '/plain/1')).toBe(0);
  });
});
