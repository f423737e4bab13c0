import { once } from 'node:events';
import { get, type IncomingMessage } from 'node:http';
import { connect } from 'node:http2';
import type { AddressInfo } from 'node:net';
import { gzipSync } from 'node:zlib';
import {
  Controller,
  Get,
  Header,
  Module,
  Param,
  UseGuards,
  type CanActivate,
  type ExecutionContext,
} from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { FastifyAdapter, type NestFastifyApplication } from '@nestjs/platform-fastify';
import { Cacheable, CacheBackend, CacheModule, FastLane, withHeaders } from '@strata/cache';
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
    cacheControl: 'public, max-age=5',
    surrogateKeys: true,
    tags: () => ['long'],
  })
  long() {
    return { text: 'é'.repeat(5_000) };
  }

  @Get('own')
  @Header('x-decorated', 'yes')
  @Cacheable({ scope: 'user', identity: ({ headers }) => String(headers['x-user']), ttl: '1h' })
  own() {
    return { mine: true };
  }
}

const DATE = 'Tue, 01 Sep 2026 00:00:00 GMT';

@Module({ imports: [CacheModule.forRoot({})], controllers: [PreparedController] })
class PreparedModule {}

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

  async function create(options = {}): Promise<void> {
    const adapter = new FastifyAdapter(options);
    app = await NestFactory.create<NestFastifyApplication>(PreparedModule, adapter, { logger: false });
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
    ['/long', { 'x-set': 'surrogate-key=set' }],
    ['/own', { 'x-user': 'a', 'x-set': 'set-cookie=a' }],
  ];

  it('is answered as if it were the first, whatever is asked for and set before', async () => {
    await app.listen(0, '127.0.0.1');
    for (const path of ['/text/1', '/long', '/own']) {
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

  it('takes memory from its second hit on, and that counts', async () => {
    await app.listen(0, '127.0.0.1');
    const bytes = (): number => app.get(CacheBackend).httpCache(undefined).localUsage.bytes;
    await ask('/text/1');
    const stored = bytes();
    await ask('/text/1');
    expect(bytes()).toBe(stored);
    const { body } = await ask('/text/1');
    // Its text besides its bytes, and the head.
    expect(bytes()).toBeGreaterThan(stored + body.length + 400);
    const prepared = bytes();
    await ask('/text/1');
    expect(bytes()).toBe(prepared);
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
