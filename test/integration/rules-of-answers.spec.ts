/** Rules that show only where two things meet: a put and a cookie, a scope and a stream, one name for two caches. */
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import {
  Controller,
  Get,
  Headers,
  Injectable,
  Module,
  Param,
  Put,
  Res,
  Scope,
  StreamableFile,
  type CallHandler,
  type DynamicModule,
  type ExecutionContext,
  type INestApplication,
  type NestInterceptor,
} from '@nestjs/common';
import { APP_INTERCEPTOR, NestFactory } from '@nestjs/core';
import { ExpressAdapter } from '@nestjs/platform-express';
import { FastifyAdapter } from '@nestjs/platform-fastify';
import {
  Cacheable,
  CacheBackend,
  CacheEvict,
  CacheModule,
  CachePut,
  FastLane,
  touched,
  type CacheModuleOptions,
  type CacheRequest,
} from '@strata/cache';
import type { FastifyInstance } from 'fastify';
import request, { type Response } from 'supertest';
import { chooseCoding } from '../../libs/cache/src/http/content-coding';
import { rehearsed } from '../support/rehearsed';

interface Reply {
  header(name: string, value: string): unknown;
}

let calls = 0;

const noteKey = ({ params }: CacheRequest): string => `note:${params['id']}`;

@Injectable()
class Totals {
  @Cacheable({ key: () => 'total', cache: 'totals' })
  async total(): Promise<string> {
    return `of the method ${++calls}`;
  }
}

@Controller()
class RulesController {
  @Get('notes/:id')
  @Cacheable({ key: noteKey, tags: () => ['notes'], scope: 'public' })
  read() {
    return { text: 'read', n: ++calls };
  }

  @Put('notes/:id')
  @CachePut({ key: noteKey, tags: () => ['notes'], condition: ({ headers }) => headers['x-draft'] === undefined })
  write(@Headers('x-answer') further: string | undefined, @Res({ passthrough: true }) reply: Reply) {
    const [name, value] = further?.split(': ') ?? [];
    if (name !== undefined) reply.header(name, value!);
    return { text: 'written' };
  }

  @Put('moved')
  @CacheEvict({ tags: () => ['elsewhere'], beforeInvocation: true })
  move() {
    return touched({ moved: true }, 'notes');
  }

  @Get('own/:what')
  @Cacheable({ key: ({ params }) => `own:${params['what']}`, scope: 'user', identity: () => 'alice' })
  own(@Param('what') what: string) {
    return what === 'stream' ? new StreamableFile(Buffer.from('stream')) : undefined;
  }

  @Get('plain-dish')
  @Cacheable({ key: () => 'dish', scope: 'public' })
  plainDish() {
    return { dish: 'plain' };
  }

  @Get('dish')
  @Cacheable({ key: () => 'dish', scope: 'public', vary: ['X-Taste'] })
  dish(@Headers('x-taste') taste = 'to nobody’s taste') {
    return { dish: taste };
  }

  @Get('total')
  @Cacheable({ key: () => 'total', cache: 'totals', scope: 'public' })
  total() {
    return { ofRoute: ++calls };
  }
}

@Injectable({ scope: Scope.REQUEST })
class Looks implements NestInterceptor {
  intercept(_context: ExecutionContext, next: CallHandler) {
    return next.handle();
  }
}

@Module({})
class RulesModule {}

type Prepare = (app: INestApplication) => void;

async function start(
  adapter: object,
  parts: Partial<DynamicModule> = {},
  prepare: Prepare = rehearsed,
  options: CacheModuleOptions = {},
): Promise<INestApplication> {
  const whole = { module: RulesModule, imports: [CacheModule.forRoot(options)], controllers: [RulesController] };
  const module = { ...whole, providers: [Totals], ...parts };
  const app = await NestFactory.create(module, adapter as FastifyAdapter, { logger: false, abortOnError: false });
  prepare(app);
  await app.listen(0, '127.0.0.1');
  return app;
}

const http = (app: INestApplication) => request(app.getHttpServer() as never);
const outcomeOf = ({ headers }: Pick<Response, 'headers'>): string => String(headers['cache-status']);
const HIT = expect.stringContaining('; hit') as string;
const MISS = expect.stringContaining('; fwd=') as string;

const adapters = { Fastify: () => new FastifyAdapter(), Express: () => new ExpressAdapter() };

describe.each(Object.entries(adapters))('rules of answers on %s', (name, adapter) => {
  let app: INestApplication;
  const note = async (): Promise<unknown[]> => {
    const read = await http(app).get('/notes/1').expect(200);
    return [read.body.text, outcomeOf(read)];
  };

  beforeAll(async () => {
    app = await start(adapter());
  });

  beforeEach(async () => {
    calls = 0;
    await app.get(CacheBackend).strata.clear();
  });

  afterAll(() => app.close());

  it('a put whose condition says no leaves the entry as it is', async () => {
    await note();
    await http(app).put('/notes/1').set('x-draft', 'yes').expect(200, { text: 'written' });
    expect(await note()).toEqual(['read', HIT]);
    await http(app).put('/notes/1').expect(200);
    expect(await note()).toEqual(['written', HIT]);
  });

  it.each(['set-cookie: sid=1', 'cache-control: private', 'cache-control: no-store'])(
    'the answer of a write with %s is not given to those who read',
    async (further) => {
      await note();
      await http(app).put('/notes/1').set('x-answer', further).expect(200, { text: 'written' });
      expect(await note()).toEqual(['read', MISS]);
    },
  );

  it('tags that only the handler knows are evicted after it, where all others were before', async () => {
    await note();
    const { headers } = await http(app).put('/moved').expect(200, { moved: true });
    expect(await note()).toEqual(['read', MISS]);
    expect(headers['cache-group-invalidation']).toContain('"notes"');
  });

  it.each(['stream', 'nothing'])('an answer that is not kept (%s) is private where entries are', async (what) => {
    const { headers } = await http(app).get(`/own/${what}`).expect(200);
    expect(headers['cache-control']).toBe('private, no-cache');
  });

  it('an answer past the cache says by what its route varies', async () => {
    const { headers } = await http(app).get('/dish').set('cache-control', 'no-store').expect(200);
    expect([outcomeOf({ headers }), headers['vary']]).toEqual([expect.stringContaining('fwd=bypass'), 'x-taste']);
  });

  it('a route that varies shares no entry with one that does not, even for requests without the header', async () => {
    await http(app).get('/plain-dish').expect(200, { dish: 'plain' });
    await http(app).get('/dish').expect(200, { dish: 'to nobody’s taste' });
    await http(app).get('/plain-dish').expect(200, { dish: 'plain' });
  });

  it('values of methods are kept apart from answers under the same name and key', async () => {
    await http(app).get('/total').expect(200, { ofRoute: 1 });
    for (const _ of ['miss', 'hit']) expect(await app.get(Totals).total()).toBe('of the method 2');
    await http(app).get('/total').expect(200, { ofRoute: 1 });
  });

  it('the fast lane leaves a request with a body of unknown length to the framework', async () => {
    const open = await start(adapter(), {}, (one) => one.get(FastLane).open());
    const lane = open.get(FastLane);
    for (const _ of ['miss', 'hit', 'lane']) await http(open).get('/plain-dish').expect(200);
    expect(lane.usage.answers).toBe(1);
    const headers = { 'content-type': 'application/json', 'transfer-encoding': 'chunked' };
    const asked = http(open).get('/plain-dish').set(headers);
    asked.write('{ no JSON');
    const { status } = await asked;
    // Express reads the body of any request; Fastify none of a GET.
    expect([status, lane.usage.answers]).toEqual([name === 'Express' ? 400 : 200, 1]);
    await open.close();
  });

  it('an interceptor around the cache that is given by another name is known by its class', async () => {
    const alias = { provide: APP_INTERCEPTOR, useExisting: Looks };
    const parts = { providers: [Totals, Looks, alias] };
    await expect(start(adapter(), parts)).rejects.toThrow('Looks runs around @Cacheable on RulesController');
    const named = await start(adapter(), parts, rehearsed, { transparentInterceptors: [Looks] });
    for (const outcome of [MISS, HIT]) expect(outcomeOf(await http(named).get('/plain-dish'))).toEqual(outcome);
    await named.close();
  });
});

it('a hit that cannot be written ends its connection: nobody waits for it', async () => {
  const app = await start(new FastifyAdapter(), {}, (one) => {
    (one.getHttpAdapter().getInstance() as FastifyInstance).addHook('onRequest', async ({ headers }, { raw }) => {
      if (headers['x-broken'] === undefined) return;
      raw.end = () => {
        throw new Error('cannot be written');
      };
    });
  });
  await http(app).get('/plain-dish').expect(200);
  const broken = http(app).get('/plain-dish').set('x-broken', 'yes').timeout(5_000);
  await expect(broken).rejects.toMatchObject({ code: 'ECONNRESET' });
  await http(app).get('/plain-dish').expect(200);
  await app.close();
});

it('encodings that clients make up are not remembered for ever', () => {
  setFlagsFromString('--expose-gc');
  const collect = runInNewContext('gc') as () => void;
  const heap = (): number => (collect(), process.memoryUsage().heapUsed);
  const before = heap();
  for (let i = 0; i < 30_000; i++) chooseCoding(`gzip, x-${i}-${'x'.repeat(900)}`);
  expect(heap() - before).toBeLessThan(10_000_000);
});
