import { once } from 'node:events';
import { get, type IncomingMessage } from 'node:http';
import { connect } from 'node:http2';
import type { AddressInfo, Socket } from 'node:net';
import { gzipSync } from 'node:zlib';
import {
  Controller,
  Get,
  Header,
  Param,
  UseGuards,
  type CanActivate,
  type DynamicModule,
  type ExecutionContext,
} from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { FastifyAdapter, type NestFastifyApplication } from '@nestjs/platform-fastify';
import { Cacheable, CacheBackend, CacheModule, FastLane, withHeaders, type CacheOptions } from '@strata/cache';
import { PreparedAnswers } from '../../libs/cache/src/nest/prepared-answers';
import type { FastifyInstance, FastifyReply } from 'fastify';

/** What the guard sets of each answer, by the request's `x-set`: `name: value` pairs, divided by `;`. */
class SetsHeaders implements CanActivate {
  canActivate(context: ExecutionContext): boolean {
    const { headers } = context.switchToHttp().getRequest<{ headers: Record<string, string | undefined> }>();
    const reply = context.switchToHttp().getResponse<FastifyReply>();
    for (const pair of headers['x-set']?.split(';') ?? []) {
      const [name, value] = pair.split('=');
      reply.header(name!, value);
    }
    return true;
  }
}

let loads = 0;

@Controller()
@UseGuards(SetsHeaders)
class PreparedController {
  @Get('text/:id')
  @Cacheable({ scope: 'public', ttl: '1h', tags: ({ params }) => [`text:${params['id']!}`] })
  text(@Param('id') id: string) {
    loads++;
    return withHeaders({ id, text: 'Käse, 乳酪 und 🧀', load: loads }, { 'x-kept': 'kept', 'last-modified': DATE });
  }

  @Get('long')
  @Cacheable({
    scope: 'public',
    ttl: '1h',
    key: () => 'long',
    cacheControl: 'public, max-age=5',
    surrogateKeys: true,
    tags: () => ['long'],
  })
  long() {
    return { text: 'é'.repeat(5_000) };
  }

  /** Seconds of its age and of the rest of its life do not end together. */
  @Get('odd')
  @Cacheable({ scope: 'public', ttl: 3_600_500, key: () => 'odd' })
  odd() {
    return { odd: true };
  }

  /** Two routes, one entry. */
  @Get('shared/a')
  @Cacheable({ scope: 'public', ttl: '1h', key: () => 'shared', cacheControl: 'public, max-age=1' })
  sharedA() {
    return { shared: true };
  }

  @Get('shared/b')
  @Cacheable({ scope: 'public', ttl: '1h', key: () => 'shared', cacheControl: 'public, max-age=2' })
  sharedB() {
    return { shared: true };
  }

  @Get('own')
  @Header('x-decorated', 'yes')
  @Cacheable({ scope: 'user', identity: ({ headers }) => String(headers['x-user']), ttl: '1h' })
  own() {
    return { mine: true };
  }
}

@Controller()
class FreeController {
  @Get('free/:id')
  @Cacheable({ scope: 'public', ttl: '1h', key: ({ params }) => `free:${params['id']!}` })
  free(@Param('id') id: string) {
    return { id };
  }
}

const DATE = 'Tue, 01 Sep 2026 00:00:00 GMT';

const moduleWith = (defaults: CacheOptions): DynamicModule => ({
  module: class PreparedModule {},
  imports: [CacheModule.forRoot({ defaults })],
  controllers: [PreparedController, FreeController],
});

/** Names and values that the application decides, in the order of sending, and the bytes. */
interface Answer {
  readonly status: number | undefined;
  readonly head: readonly string[];
  readonly body: string;
}

describe('a hit behind the interceptor that has been answered before', () => {
  let app: NestFastifyApplication;
  /** True: each hit is made by itself, as the first of an entry is. */
  let isWholeWay: boolean;

  async function create(options = {}, defaults: CacheOptions = {}): Promise<void> {
    const adapter = new FastifyAdapter(options);
    app = await NestFactory.create<NestFastifyApplication>(moduleWith(defaults), adapter, { logger: false });
    isWholeWay = false;
    app.get(FastLane).isToLearn = () => isWholeWay;
  }

  beforeEach(() => create());

  afterEach(() => app.close());

  const fastify = (): FastifyInstance => app.getHttpAdapter().getInstance();

  async function ask(path: string, headers: Record<string, string> = {}): Promise<Answer> {
    const { port } = app.getHttpServer().address() as AddressInfo;
    const request = get({ port, path, headers, agent: false });
    const [response] = (await once(request, 'response')) as [IncomingMessage];
    const chunks: Buffer[] = [];
    for await (const chunk of response) chunks.push(chunk as Buffer);
    const { rawHeaders, statusCode } = response;
    const head = rawHeaders.flatMap((name, i) => (i % 2 === 0 ? [`${name}: ${rawHeaders[i + 1]!}`] : []));
    const own = head.filter((line) => !/^(Date|Connection|Keep-Alive):/.test(line));
    return { status: statusCode, head: own, body: Buffer.concat(chunks).toString('latin1') };
  }

  /** The seconds of an answer may pass between two of them. */
  const timeless = ({ status, head, body }: Answer): Answer => {
    const lines = head.map((line) => line.replace(/^(age: |cache-status: .*ttl=)\d+/, '$1#'));
    return { status, head: lines, body };
  };

  /** Made by itself, and twice as it was prepared. */
  async function threeTimes(path: string, headers: Record<string, string> = {}): Promise<Answer[]> {
    isWholeWay = true;
    const whole = await ask(path, headers);
    isWholeWay = false;
    return [whole, await ask(path, headers), await ask(path, headers)].map(timeless);
  }

  const ASKED: readonly (readonly [path: string, headers: Record<string, string>])[] = [
    ['/text/1', {}],
    ['/text/1', { 'accept-encoding': 'br, gzip' }],
    ['/text/1', { 'if-modified-since': DATE }],
    ['/text/1', { 'if-modified-since': 'Mon, 31 Aug 2026 00:00:00 GMT' }],
    ['/text/1', { 'if-none-match': '*' }],
    ['/text/1', { 'if-none-match': '"other"' }],
    ['/long', {}],
    ['/long', { 'accept-encoding': 'gzip' }],
    ['/long', { 'accept-encoding': 'br' }],
    ['/long', { 'accept-encoding': 'gzip', 'if-none-match': '*' }],
    ['/own', { 'x-user': 'a' }],
    ['/own', { 'x-user': 'a', 'if-none-match': '*' }],
    ['/text/1', { 'x-set': 'x-request-id=7;x-other=8' }],
    ['/text/1', { 'x-set': 'x-request-id=9', 'if-none-match': '*' }],
    ['/text/1', { 'x-set': 'set-cookie=a' }],
    ['/text/1', { 'x-set': 'vary=origin' }],
    ['/text/1', { 'x-set': 'vary=origin;access-control-allow-origin=b' }],
    ['/text/1', { 'x-set': 'cache-control=private' }],
    ['/text/1', { 'x-set': 'cache-control=max-age=3' }],
    ['/text/1', { 'x-set': 'x-kept=set' }],
    ['/text/1', { 'x-set': 'content-encoding=identity' }],
    ['/text/1', { 'x-set': 'content-encoding=br' }],
    ['/long', { 'accept-encoding': 'br', 'if-none-match': '*' }],
    ['/long', { 'accept-encoding': 'gzip', 'if-none-match': '*' }],
    ['/long', { 'if-none-match': '*' }],
    ['/shared/a', {}],
    ['/shared/b', {}],
    ['/long', { 'x-set': 'surrogate-key=set' }],
    ['/own', { 'x-user': 'a', 'x-set': 'set-cookie=a' }],
  ];

  it('is answered as if it were the first, whatever is asked for and set before', async () => {
    await app.listen(0, '127.0.0.1');
    for (const path of ['/text/1', '/long', '/shared/a', '/own']) {
      await ask(path, { 'x-user': 'a' });
      await ask(path, { 'x-user': 'a' });
    }
    // The encodings of the list are made once, by who asks first.
    for (const coding of ['gzip', 'br']) await ask('/long', { 'accept-encoding': coding });
    for (const [path, headers] of ASKED) {
      const [whole, second, third] = await threeTimes(path, headers);
      expect({ path, headers, ...second }).toEqual({ path, headers, ...whole });
      expect(third).toEqual(whole);
      expect(String(whole!.head)).toContain('hit; ttl=#; detail=L1');
    }
  });

  it('belongs to one user where the first did', async () => {
    await app.listen(0, '127.0.0.1');
    for (let time = 0; time < 3; time++) await ask('/own', { 'x-user': 'a' });
    const other = await ask('/own', { 'x-user': 'b' });
    expect(String(other.head)).toContain('fwd=uri-miss; stored');
  });

  it('says its age and the rest of its life as they are now', async () => {
    await app.listen(0, '127.0.0.1');
    for (let time = 0; time < 3; time++) await ask('/text/1');
    const startedAt = Date.now();
    const clock = jest.spyOn(Date, 'now').mockImplementation(() => startedAt + 60_000);
    const { head } = await ask('/text/1');
    clock.mockRestore();
    const age = Number(/age: (\d+)/.exec(String(head))![1]);
    const left = Number(/ttl=(\d+)/.exec(String(head))![1]);
    expect(age).toBeGreaterThanOrEqual(60);
    expect(age + left).toBeGreaterThanOrEqual(3_598);
    expect(age + left).toBeLessThanOrEqual(3_600);
  });

  it('says both at any time as it would anew', async () => {
    await app.listen(0, '127.0.0.1');
    for (let time = 0; time < 3; time++) await ask('/odd');
    const startedAt = Date.now();
    for (let passed = 0; passed <= 2_500; passed += 125) {
      const clock = jest.spyOn(Date, 'now').mockImplementation(() => startedAt + passed);
      isWholeWay = true;
      const whole = await ask('/odd');
      isWholeWay = false;
      expect([passed, await ask('/odd')]).toEqual([passed, whole]);
      clock.mockRestore();
    }
  });

  it('is prepared anew for the value that replaced it', async () => {
    await app.listen(0, '127.0.0.1');
    for (let time = 0; time < 3; time++) await ask('/text/1');
    const before = await ask('/text/1');
    await app.get(CacheBackend).strata.invalidateTags(['text:1']);
    for (let time = 0; time < 3; time++) await ask('/text/1');
    const after = await ask('/text/1');
    expect(after.body).not.toBe(before.body);
    expect(after.head.find((line) => line.startsWith('etag'))).not.toBe(
      before.head.find((line) => line.startsWith('etag')),
    );
  });

  it('is prepared for the first of two routes that answer with one entry, and once', async () => {
    const make = jest.spyOn(PreparedAnswers.prototype, 'make');
    await app.listen(0, '127.0.0.1');
    for (let time = 0; time < 6; time++) for (const route of ['a', 'b']) await ask(`/shared/${route}`);
    expect(make).toHaveBeenCalledTimes(1);
    const [a, b] = [await ask('/shared/a'), await ask('/shared/b')];
    expect([a.head, b.head].map((head) => /max-age=(.)/.exec(String(head))![1])).toEqual(['1', '2']);
    make.mockRestore();
  });

  it('leaves in one piece with its head when it is short', async () => {
    const written: unknown[] = [];
    let gathered = 0;
    app.getHttpServer().on('connection', (socket: Socket) => {
      const write = socket.write.bind(socket) as (...given: unknown[]) => boolean;
      socket.write = (...given: unknown[]) => (written.push(given[0]), write(...given));
      const writev = socket._writev!.bind(socket);
      socket._writev = (...given) => (gathered++, writev(...given));
    });
    await app.listen(0, '127.0.0.1');
    const pieces = async (path: string): Promise<number> => {
      written.length = 0;
      gathered = 0;
      await ask(path);
      const isWhole = written.filter((chunk) => typeof chunk === 'string' && /^HTTP.*\r\n\r\n./s.test(chunk));
      return isWhole.length;
    };
    for (const path of ['/text/1', '/long']) await pieces(path);
    expect(await pieces('/text/1')).toBe(0);
    expect(gathered).toBe(1);
    expect([await pieces('/text/1'), gathered, await pieces('/text/1'), gathered]).toEqual([1, 0, 1, 0]);
    expect([await pieces('/long'), gathered, await pieces('/long'), gathered]).toEqual([0, 1, 0, 1]);
  });

  it('is seen as bytes by who has put functions of his own around what sends it', async () => {
    const [ended, sent]: [unknown[], unknown[]] = [[], []];
    fastify().addHook('onRequest', (request, { raw }, done) => {
      const { end, write } = raw;
      if (request.headers['x-wrap'] === 'end')
        raw.end = ((...given: Parameters<typeof end>) => (ended.push(given[0]), end.apply(raw, given))) as never;
      if (request.headers['x-wrap'] === 'write')
        raw.write = ((...given: Parameters<typeof write>) => (sent.push(given[0]), write.apply(raw, given))) as never;
      done();
    });
    fastify().addHook('onSend', (request, { raw }, payload, done) => {
      const { end } = raw;
      if (request.headers['x-wrap'] === 'callback')
        raw.end = ((chunk: unknown) => end.call(raw, chunk, 'utf8', () => ended.push('called'))) as never;
      done(null, payload);
    });
    await app.listen(0, '127.0.0.1');
    await ask('/text/1');
    for (const how of ['end', 'write', 'callback']) {
      const [whole, ...prepared] = await threeTimes('/text/1', { 'x-wrap': how });
      expect([how, ...prepared]).toEqual([how, whole, whole]);
    }
    expect(ended).toEqual([...Array<unknown>(3).fill(expect.any(Buffer)), ...Array<string>(3).fill('called')]);
    expect(sent).toEqual([]);
  });

  it('is told of to nobody as sent when its client is gone', async () => {
    const responses: string[] = [];
    fastify().addHook('onRequest', (request, _reply, done) => {
      if (request.headers['x-gone'] !== undefined) request.raw.socket.destroy();
      done();
    });
    fastify().addHook('onResponse', (request, _reply, done) => {
      responses.push(request.url + String(request.headers['x-gone'] ?? ''));
      done();
    });
    await app.listen(0, '127.0.0.1');
    for (let time = 0; time < 3; time++) await ask('/text/1');
    await expect(ask('/text/1', { 'x-gone': 'gone' })).rejects.toThrow();
    await ask('/text/1');
    expect(responses).toEqual(Array(4).fill('/text/1'));
  });

  it('takes memory from its second hit on, and that counts', async () => {
    await app.listen(0, '127.0.0.1');
    const bytes = (): number => app.get(CacheBackend).httpCache(undefined).localUsage.bytes;
    await ask('/text/1');
    const stored = bytes();
    await ask('/text/1');
    expect(bytes()).toBe(stored);
    const { head, body } = await ask('/text/1');
    const prepared = bytes();
    // Its text besides its bytes, names and values of the head, and the objects around them.
    const parts = head.reduce((sum, line) => sum + line.length - ': '.length, body.length);
    expect(prepared - stored).toBe(parts + 630);
    await ask('/text/1');
    expect(bytes()).toBe(prepared);
  });

  it('keeps no encoding that there is no room for, and its entry stays', async () => {
    await app.listen(0, '127.0.0.1');
    await ask('/long');
    const { bytes } = app.get(CacheBackend).httpCache(undefined).localUsage;
    await app.close();
    await create({}, { maxBytes: bytes + 5 });
    await app.listen(0, '127.0.0.1');
    const cache = app.get(CacheBackend).httpCache(undefined);
    await ask('/long');
    for (let time = 0; time < 2; time++) await ask('/long', { 'accept-encoding': 'br' });
    const { head } = await ask('/long', { 'accept-encoding': 'br' });
    expect(head).toContain('content-encoding: br');
    expect(String(head)).toContain('hit; ttl=');
    expect(cache.localUsage).toMatchObject({ size: 1, bytes });
    expect(cache.shared!.fresh('long', ['t:long'])!.value.forms.ready('br')).toBeUndefined();
  });

  it('is made anew where there is no room for more, and its entry stays', async () => {
    const make = jest.spyOn(PreparedAnswers.prototype, 'make');
    await app.close();
    await create({}, { maxBytes: 1_500 });
    await app.listen(0, '127.0.0.1');
    const outcomes: string[] = [];
    for (let time = 0; time < 6; time++) {
      const { head } = await ask('/text/1');
      outcomes.push(/cache-status: strata; (hit|fwd)/.exec(String(head))![1]!);
    }
    expect(outcomes).toEqual(['fwd', ...Array<string>(5).fill('hit')]);
    expect(make.mock.results.map(({ value }) => value === undefined)).toEqual([false, true, true, true]);
    make.mockRestore();
  });

  it('is learnt by the fast lane for each URL of its entry, and prepared where the lane has been refused', async () => {
    await app.close();
    await create();
    const lane = app.get(FastLane);
    const learn = jest.spyOn(lane, 'learn');
    lane.isToLearn = FastLane.prototype.isToLearn.bind(lane);
    lane.open();
    await app.listen(0, '127.0.0.1');
    for (let time = 0; time < 4; time++) await ask('/text/1');
    for (let time = 0; time < 4; time++) await ask(`/free/1`);
    for (let time = 0; time < 3; time++) await ask(`/free/1?x`);
    // The guarded route is looked at once; of the free one each URL is learnt at its first hit.
    expect(learn).toHaveBeenCalledTimes(3);
    expect(lane.usage).toMatchObject({ urls: 2, answers: 4 });
  });

  it('is sent as a hook of Fastify has changed it', async () => {
    fastify().addHook('onSend', (request, reply, payload, done) => {
      if (request.headers['x-zip'] === undefined) return done(null, payload);
      reply.header('content-encoding', 'gzip');
      done(null, gzipSync(payload as Buffer));
    });
    await app.listen(0, '127.0.0.1');
    await ask('/text/1');
    const [whole, second, third] = await threeTimes('/text/1', { 'x-zip': '1' });
    expect(whole!.head).toContain('content-encoding: gzip');
    expect([second, third]).toEqual([whole, whole]);
    const [plain, ...prepared] = await threeTimes('/text/1');
    expect(prepared).toEqual([plain, plain]);
  });

  it('may have trailers', async () => {
    fastify().addHook('onRequest', (_request, reply, done) => {
      reply.trailer('server-timing', (_reply, _payload, sent) => sent(null, 'a;dur=1'));
      done();
    });
    await app.listen(0, '127.0.0.1');
    await ask('/text/1');
    const [whole, ...prepared] = await threeTimes('/text/1');
    expect(String(whole!.head)).toContain('trailer: server-timing');
    expect(whole!.body).toContain('"load"');
    expect(prepared).toEqual([whole, whole]);
  });

  it('is the same without a connection', async () => {
    await app.init();
    await fastify().ready();
    const inject = async () => {
      const { statusCode, headers, payload } = await app.inject('/text/1');
      return [statusCode, String(headers['cache-status']).slice(0, 11), payload];
    };
    await inject();
    const [first, second, third] = [await inject(), await inject(), await inject()];
    expect(first).toEqual([200, 'strata; hit', expect.stringContaining('Käse, 乳酪 und 🧀')]);
    expect([second, third]).toEqual([first, first]);
  });

  it('shares a connection of HTTP/2 with others', async () => {
    await app.close();
    await create({ http2: true });
    await app.listen(0, '127.0.0.1');
    const session = connect(`http://127.0.0.1:${(app.getHttpServer().address() as AddressInfo).port}`);
    const fetch = async (): Promise<string> => {
      let text = '';
      const stream = session.request({ ':path': '/text/1' }).setEncoding('utf8');
      for await (const chunk of stream) text += String(chunk);
      return text;
    };
    await fetch();
    const [first, ...others] = [await fetch(), ...(await Promise.all(Array.from({ length: 5 }, fetch)))];
    session.close();
    expect(first).toContain('Käse, 乳酪 und 🧀');
    expect(others).toEqual(Array(5).fill(first));
  });
});
