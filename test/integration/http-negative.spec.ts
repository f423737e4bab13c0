/**
 * What a shared cache must never do, on both adapters. The numbers are those of the list of negative tests in
 * `docs/reference/negative-tests.md`, which names where each one is tested.
 */
import { request as rawRequest, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { connect } from 'node:net';
import {
  BadRequestException,
  Controller,
  ForbiddenException,
  Get,
  Header,
  Headers,
  Logger,
  Module,
  NotFoundException,
  Param,
  Query,
  Redirect,
  Res,
  Sse,
  UseGuards,
  type CanActivate,
  type ExecutionContext,
  type INestApplication,
  type MiddlewareConsumer,
  type NestModule,
} from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { ExpressAdapter } from '@nestjs/platform-express';
import { FastifyAdapter } from '@nestjs/platform-fastify';
import { Cacheable, CacheBackend, CacheModule, canonicalKey, entityTag, withHeaders } from '@strata/cache';
import { Gate } from '@strata/cache/testing';
import { of } from 'rxjs';
import request from 'supertest';
import { rehearsed } from '../support/rehearsed';

interface Known {
  key: string;
}

interface Reply {
  header(name: string, value: string): unknown;
  status?(status: number): unknown;
  send?(body: unknown): unknown;
  json?(body: unknown): unknown;
}

let calls = 0;
let isMember = true;
let gate: Gate | undefined;
const BIG = 'long '.repeat(1_000);

/** Knows who asks from a "verified" token, and leaves it on the request as guards do. */
class Verify implements CanActivate {
  canActivate(context: ExecutionContext): boolean {
    const incoming = context.switchToHttp().getRequest<{ headers: Record<string, string>; user?: unknown }>();
    const [, tenant] = /^Token (\w+)$/.exec(incoming.headers['x-token'] ?? '') ?? [];
    if (tenant === undefined || !isMember) throw new ForbiddenException();
    incoming.user = { tenant };
    return true;
  }
}

/** As Passport's optional guards do: `false` for those who have not said who they are. */
class OptionallyKnown implements CanActivate {
  canActivate(context: ExecutionContext): boolean {
    const incoming = context.switchToHttp().getRequest<{ user?: unknown }>();
    incoming.user ??= false;
    return true;
  }
}

/** A session that is renewed with every request, for those who have one. */
class RenewsSession implements CanActivate {
  canActivate(context: ExecutionContext): boolean {
    const http = context.switchToHttp();
    const { headers } = http.getRequest<{ headers: Record<string, string> }>();
    if (headers['x-renew'] !== undefined) http.getResponse<Reply>().header('set-cookie', `sid=${headers['x-renew']}`);
    return true;
  }
}

@Controller()
class NegativeController {
  @Get('strict')
  @Header('Cache-Control', 'private, no-store')
  @Cacheable({ key: () => 'strict', scope: 'public', cdnCacheControl: 'max-age=60' })
  strict() {
    return ++calls;
  }

  @Get('varied')
  @Header('Vary', 'Accept-Language')
  @Cacheable({ key: () => 'varied', scope: 'public' })
  varied(@Headers('accept-language') language: string) {
    return { language, n: ++calls };
  }

  @Get('typed')
  @Header('Content-Type', 'text/csv')
  @Cacheable({ key: () => 'typed', scope: 'public' })
  typed() {
    return `a,b,${++calls}`;
  }

  @Get('cookie')
  @Cacheable({ key: () => 'cookie', scope: 'public', cacheControl: 'public, max-age=5', cdnCacheControl: 'max-age=60' })
  cookie(@Res({ passthrough: true }) reply: Reply) {
    reply.header('set-cookie', `sid=${++calls}`);
    return calls;
  }

  @Get('absent')
  @Cacheable({ key: () => 'absent', scope: 'public', negativeStatuses: [404], vary: ['X-Taste'] })
  absent(@Headers('x-strict') isStrict: string | undefined, @Res({ passthrough: true }) reply: Reply) {
    calls++;
    if (isStrict !== undefined) reply.header('cache-control', 'no-store');
    throw new NotFoundException(`call ${calls}`);
  }

  @Get('stale')
  @Cacheable({ key: () => 'stale', scope: 'public', ttl: 1, staleWhileRevalidate: '1h' })
  stale(@Res({ passthrough: true }) reply: Reply) {
    calls++;
    reply.header('x-kind', 'plain');
    return { n: calls, text: BIG };
  }

  @Get('renewed')
  @Cacheable({ key: () => 'renewed', scope: 'public', ttl: 1, staleWhileRevalidate: '1h' })
  renewed() {
    return { n: ++calls };
  }

  @Get('renewing')
  @UseGuards(RenewsSession)
  @Cacheable({
    key: () => 'renewing',
    scope: 'public',
    cacheControl: 'public, max-age=60',
    cdnCacheControl: 'max-age=60',
  })
  renewing() {
    return { n: ++calls };
  }

  @Get('renewing-own')
  @UseGuards(RenewsSession)
  @Cacheable({ key: () => 'renewing-own', scope: 'public' })
  renewingOwn() {
    return withHeaders({ n: ++calls }, { 'Cache-Control': 'public, max-age=60' });
  }

  @Get('turning')
  @Cacheable({ key: () => 'turning', scope: 'public', ttl: 1, staleWhileRevalidate: '1h' })
  turning(@Res({ passthrough: true }) reply: Reply) {
    if (++calls > 1) reply.status!(409);
    return { n: calls };
  }

  @Get('page/:slug')
  @Cacheable({ key: ({ params }) => params['slug'], scope: 'public' })
  page(@Param('slug') slug: string) {
    return { slug };
  }

  @Get('mine')
  @Cacheable({ key: () => 'mine', scope: 'user', identity: ({ headers }) => headers['x-user'] as string })
  mine(@Headers('x-user') user: string) {
    calls++;
    return { secretOf: user };
  }

  @Get('verified')
  @UseGuards(Verify)
  @Cacheable({ key: () => 'verified', cacheControl: 'public, max-age=60' })
  verified(@Headers('x-token') token: string) {
    return { token, n: ++calls };
  }

  @Get('known')
  @UseGuards(OptionallyKnown)
  @Cacheable({ key: () => 'known' })
  known(@Headers('x-key') key = 'nobody') {
    return { key, n: ++calls };
  }

  @Get('tenant')
  @UseGuards(Verify)
  @Cacheable({
    key: () => 'tenant',
    scope: 'tenant',
    identity: ({ user }) => (user as { tenant: string }).tenant,
    tags: () => ['tenant'],
  })
  tenant(@Headers('x-token') token: string) {
    calls++;
    return { token };
  }

  @Get('search')
  @Cacheable({
    key: ({ query }) => canonicalKey('search', { q: query['q'] as string }),
    scope: 'public',
    tags: ({ query }) => [`q:${String(query['q'])}`],
  })
  search(@Query('q') q: unknown) {
    calls++;
    return { q };
  }

  @Get('join')
  @Cacheable({ key: () => 'join', scope: 'public' })
  async join(@Query('page') page: string) {
    await gate?.pass();
    if (page === 'x') throw new BadRequestException('page must be a number');
    return { page };
  }

  @Get('zipped')
  @Cacheable({ key: () => 'zipped', scope: 'public' })
  zipped() {
    calls++;
    return withHeaders(Buffer.from('zip'), { 'content-encoding': 'x-zip', vary: 'Accept-Encoding' });
  }

  @Get('hop')
  @Cacheable({ key: () => 'hop', scope: 'public' })
  hop() {
    const own = { age: '99', te: 'trailers', upgrade: 'x', 'proxy-authenticate': 'x', 'transfer-encoding': 'x' };
    return withHeaders({ n: ++calls }, { ...own, 'content-length': '3', 'x-fine': 'yes' });
  }

  @Sse('events')
  @Cacheable({ key: () => 'events', scope: 'public' })
  events() {
    calls++;
    return of({ data: 'one' }, { data: 'two' }, { data: 'three' });
  }

  @Get('by-hand')
  @Cacheable({ key: () => 'by-hand', scope: 'public' })
  byHand(@Res() reply: Reply) {
    calls++;
    void (reply.json?.({ n: calls }) ?? reply.send!({ n: calls }));
  }

  @Get('away')
  @Redirect('https://example.org/default')
  @Cacheable({ key: () => 'away', scope: 'public' })
  away() {
    return { url: `https://example.org/${++calls}` };
  }

  @Get('nothing')
  @Cacheable({ key: () => 'nothing', scope: 'public' })
  nothing(): undefined {
    calls++;
  }
}

@Module({ imports: [CacheModule.forRoot({})], controllers: [NegativeController] })
class NegativeModule implements NestModule {
  configure(consumer: MiddlewareConsumer): void {
    const knows = (incoming: IncomingMessage & { user?: string }, _response: unknown, next: () => void): void => {
      incoming.user = incoming.headers['x-key'] as string | undefined;
      next();
    };
    consumer.apply(knows).forRoutes('known');
  }
}

/** What layers in front of the cache do: cookies of a session, and CORS. */
function layer(headers: Record<string, unknown>, set: (name: string, value: string | string[]) => void): void {
  if (headers['x-session'] !== undefined) set('set-cookie', ['a=1', 'b=2']);
  if (headers['origin'] === undefined) return;
  set('access-control-allow-origin', headers['origin'] as string);
  set('vary', 'Origin');
}

const adapters = {
  Fastify: () => {
    const adapter = new FastifyAdapter();
    adapter.getInstance().addHook('onRequest', (incoming, reply, done) => {
      layer(incoming.headers, (name, value) => void reply.header(name, value));
      done();
    });
    return adapter;
  },
  Express: () => {
    const adapter = new ExpressAdapter();
    adapter.use(
      (
        incoming: { headers: Record<string, unknown> },
        response: { setHeader(name: string, value: string | string[]): void },
        next: () => void,
      ) => {
        layer(incoming.headers, (name, value) => response.setHeader(name, value));
        next();
      },
    );
    return adapter;
  },
};

describe.each(Object.entries(adapters))('negative tests on %s', (_name, adapter) => {
  let app: INestApplication;
  let backend: CacheBackend;
  const get = (path: string, headers: Record<string, string> = {}) =>
    request(app.getHttpServer())
      .get(path)
      .redirects(0)
      .set({ 'accept-encoding': 'identity', ...headers });
  const port = (): number => (app.getHttpServer() as unknown as { address(): AddressInfo }).address().port;

  beforeAll(async () => {
    app = await NestFactory.create(NegativeModule, adapter() as FastifyAdapter, { logger: false });
    rehearsed(app);
    await app.listen(0, '127.0.0.1');
    backend = app.get(CacheBackend);
  });

  beforeEach(async () => {
    // A refresh that the last read of a test has started counts a call, too.
    await backend.httpCache().settled();
    calls = 0;
    isMember = true;
    gate = undefined;
    await backend.strata.clear();
  });

  afterEach(() => jest.restoreAllMocks());
  afterAll(() => app.close());

  const settled = (): Promise<void> => backend.httpCache().settled();

  describe('what an answer says of itself counts, whoever has said it', () => {
    it('5: @Header with private or no-store keeps it out, here and at a CDN', async () => {
      for (const n of [1, 2]) {
        const answer = await get('/strict');
        expect(answer.text).toBe(String(n));
        expect(answer.headers['cache-control']).toBe('private, no-store');
        expect(answer.headers['cdn-cache-control']).toBeUndefined();
        expect(answer.headers['cache-status']).not.toContain('stored');
      }
    });

    it('5, 7: no-store on an error keeps it from being a negative entry', async () => {
      await get('/absent', { 'x-strict': 'yes' }).expect(404);
      const second = await get('/absent', { 'x-strict': 'yes' }).expect(404);
      expect([calls, second.headers['cache-control']]).toEqual([2, 'no-store']);
      const kept = [await get('/absent'), await get('/absent')];
      expect(kept.map(({ headers }) => headers['vary'])).toEqual(['x-taste', 'x-taste']);
      expect(calls).toBe(3);
    });

    it('7: a cookie of a session layer keeps the answer out, also when the handler adds its own', async () => {
      await get('/search?q=1', { 'x-session': 'yes' });
      await get('/search?q=1', { 'x-session': 'yes' });
      expect(calls).toBe(2);
      calls = 0;
      const answers = [await get('/cookie', { 'x-session': 'yes' }), await get('/cookie', { 'x-session': 'yes' })];
      expect(answers.map(({ text }) => text)).toEqual(['1', '2']);
      expect(String(answers[1]!.headers['set-cookie'])).not.toContain('sid=1');
    });

    it('7: an answer with a cookie is not offered to caches on the way either', async () => {
      const { headers } = await get('/cookie');
      expect(headers['cache-control']).toBe('private, no-cache');
      expect(headers['cdn-cache-control']).toBeUndefined();
    });

    it('7: … whatever the handler has said of caches', async () => {
      await get('/renewing-own');
      const plain = await get('/renewing-own');
      expect(plain.headers['cache-control']).toBe('public, max-age=60');
      const renewed = await get('/renewing-own', { 'x-renew': 'alice' });
      const etag = { 'x-renew': 'alice', 'if-none-match': String(plain.headers['etag']) };
      for (const { headers } of [renewed, await get('/renewing-own', etag)]) {
        expect(headers['cache-status']).toContain('hit');
        expect(String(headers['set-cookie'])).toContain('alice');
        expect(headers['cache-control']).toBe('private, no-cache');
      }
    });

    it('7: a hit to which a guard has added a cookie is not offered to caches on the way', async () => {
      await get('/renewing');
      const { headers } = await get('/renewing', { 'x-renew': 'alice' });
      expect(headers['cache-status']).toContain('hit');
      expect([headers['cache-control'], headers['cdn-cache-control']]).toEqual(['private, no-cache', undefined]);
      expect(String(headers['set-cookie'])).toContain('alice');
      const plain = await get('/renewing');
      expect(plain.headers['set-cookie']).toBeUndefined();
      expect(plain.headers['cache-control']).toBe('public, max-age=60');
    });

    it('8: @Header with Vary is a Vary', async () => {
      const [german, french] = [
        await get('/varied', { 'accept-language': 'de' }),
        await get('/varied', { 'accept-language': 'fr' }),
      ];
      expect([german.body.language, french.body.language]).toEqual(['de', 'fr']);
      expect(calls).toBe(2);
    });

    it('8: the Vary of a CORS layer stays beside ours, and hinders nothing', async () => {
      const headers = { origin: 'https://a.example' };
      await get('/search?q=cors', headers);
      const hit = await get('/search?q=cors', { origin: 'https://b.example' });
      expect(hit.headers['cache-status']).toContain('hit');
      expect(hit.headers['vary']).toMatch(/origin/i);
      expect(hit.headers['access-control-allow-origin']).toBe('https://b.example');
      const zipped = await get('/zipped', headers);
      expect(zipped.headers['vary']).toBe('origin, accept-encoding');
    });

    it('26: bytes that a handler has encoded itself go to nobody else', async () => {
      await get('/zipped');
      await get('/zipped');
      expect(calls).toBe(2);
    });

    it('keeps the type that @Header names', async () => {
      for (const answer of [await get('/typed'), await get('/typed')]) {
        expect(answer.headers['content-type']).toContain('text/csv');
      }
      expect(calls).toBe(1);
    });

    it('headers of one message or one connection are not kept, and a computed Age is ours', async () => {
      await get('/hop').expect(200);
      const { headers, body } = await get('/hop').expect(200);
      expect(headers).toMatchObject({ 'x-fine': 'yes', age: '0', 'content-length': '7' });
      for (const name of ['te', 'upgrade', 'proxy-authenticate', 'transfer-encoding']) {
        expect(headers[name]).toBeUndefined();
      }
      expect(body).toEqual({ n: 1 });
    });
  });

  it('22, 26: a background refresh keeps nothing of the answer that was sent meanwhile', async () => {
    const old = await get('/stale', { 'accept-encoding': 'br' });
    await new Promise((resolve) => setTimeout(resolve, 5));
    const stale = await get('/stale', { 'accept-encoding': 'br' });
    expect(stale.headers['cache-status']).toContain('stale');
    await settled();
    for (let n = 3; n < 5; n++) {
      const renewed = await get('/stale');
      expect(renewed.headers['content-encoding']).toBeUndefined();
      expect(renewed.headers['etag']).toBe(entityTag(Buffer.from(renewed.text)));
      expect(JSON.parse(renewed.text)).toEqual({ n: n - 1, text: BIG });
      expect(renewed.headers['x-kind']).toBe('plain');
      await settled();
    }
    await get('/stale', { 'accept-encoding': 'br', 'if-none-match': old.headers['etag']! }).expect(200);
  });

  it('22: a stale answer that was a 304 does not keep its refresh from being stored', async () => {
    const { headers } = await get('/renewed');
    await new Promise((resolve) => setTimeout(resolve, 5));
    await get('/renewed', { 'if-none-match': headers['etag']! }).expect(304);
    await settled();
    const next = await get('/renewed');
    expect((JSON.parse(next.text) as { n: number }).n).toBe(2);
    await settled();
  });

  it('5: a status that a handler sets in a background refresh neither reaches the stale answer nor is kept', async () => {
    await get('/turning').expect(200);
    await new Promise((resolve) => setTimeout(resolve, 5));
    for (const _ of [1, 2]) {
      const stale = await get('/turning').expect(200);
      expect(JSON.parse(stale.text)).toEqual({ n: 1 });
      await settled();
    }
  });

  describe('whose answer it is', () => {
    it('4, 9: an identity of nothing is a bypass, and so private', async () => {
      const { headers } = await get('/mine', { 'x-user': '' });
      expect(headers['cache-status']).toContain('no-identity');
      expect(headers['cache-control']).toBe('private, no-cache');
      const ranged = await get('/mine', { 'x-user': 'bob', range: 'bytes=0-1' });
      expect(ranged.headers['cache-control']).toBe('private, no-cache');
    });

    it('14: who lost his role gets no entry of the time before', async () => {
      await get('/tenant', { 'x-token': 'Token a' }).expect(200);
      isMember = false;
      const refused = await get('/tenant', { 'x-token': 'Token a' }).expect(403);
      expect(refused.headers['cache-status']).toBeUndefined();
    });

    it("an answer for somebody whom a guard has verified by a header of its own is nobody else's", async () => {
      const answers = [];
      for (const token of ['Token a', 'Token b'])
        answers.push(await get('/verified', { 'x-token': token }).expect(200));
      expect(answers.map(({ body }) => (body as { token: string }).token)).toEqual(['Token a', 'Token b']);
      for (const { headers } of answers) {
        expect(headers['cache-status']).toBe('strata; fwd=bypass; detail=user');
        expect(headers['cache-control']).toBe('private, no-cache');
      }
    });

    it('nor one for whom middleware knows; who is nobody shares', async () => {
      for (const key of ['a', 'b']) {
        const { body, headers } = await get('/known', { 'x-key': key }).expect(200);
        expect([(body as Known).key, headers['cache-status']]).toEqual([key, 'strata; fwd=bypass; detail=user']);
      }
      for (const status of ['fwd=uri-miss; stored', 'hit']) {
        const { body, headers } = await get('/known').expect(200);
        expect([(body as Known).key, headers['cache-status']]).toEqual(['nobody', expect.stringContaining(status)]);
      }
    });

    it('15: the tenant is whom the guard has verified, whatever a header says', async () => {
      await get('/tenant', { 'x-token': 'Token b' });
      const spoofed = await get('/tenant', { 'x-token': 'Token a', 'x-tenant': 'b' });
      expect(spoofed.body).toEqual({ token: 'Token a' });
      expect(spoofed.headers['cache-status']).toContain('uri-miss');
    });

    it('23, 24: raw input cannot look like the inside of somebody’s key', async () => {
      await get('/mine', { 'x-user': 'alice' });
      const slug = '\u00014:mine?user=alice';
      const answer = await get(`/page/${encodeURIComponent(slug)}`);
      expect(answer.body).toEqual({ slug });
      expect(answer.headers['cache-status']).toContain('no-key');
    });

    it('23: our own response headers mean nothing in a request', async () => {
      const headers = { 'cache-status': 'strata; hit', 'cache-groups': '"x"', 'surrogate-key': 'x', age: '9' };
      const answer = await get('/search?q=own', headers);
      expect(answer.headers['cache-status']).toContain('uri-miss');
      expect(answer.headers['age']).toBeUndefined();
      const plain = await get('/search?q=own');
      expect(plain.headers['cache-status']).toContain('hit');
    });

    it('47: what another user has in the cache changes nothing for me', async () => {
      await get('/mine', { 'x-user': 'alice' });
      const { headers, body } = await get('/mine', { 'x-user': 'bob' });
      expect(headers['cache-status']).toContain('uri-miss');
      expect(body).toEqual({ secretOf: 'bob' });
    });

    it('25: one caller’s bad input is not the error of those who waited with him', async () => {
      gate = new Gate();
      const refused = get('/join?page=x').then((answer) => answer);
      await gate.reached;
      const joined = get('/join?page=1').then((answer) => answer);
      await new Promise((resolve) => setTimeout(resolve, 50));
      const held = gate;
      gate = undefined;
      held.release();
      expect((await refused).status).toBe(400);
      expect(await joined).toMatchObject({ status: 200, body: { page: '1' } });
    });
  });

  describe('input', () => {
    it('19: a list and a text with a comma are two things', async () => {
      await get('/search?q=a,b');
      const list = await get('/search?q=a&q=b');
      expect(list.body).toEqual({ q: ['a', 'b'] });
      expect(list.headers['cache-status']).toContain('no-key');
    });

    it('28: input that is too long for a tag or a key is not cached, and no error', async () => {
      for (const [length, reason] of [
        [300, 'tag'],
        [9_000, 'tag'],
      ] as const) {
        const { headers } = await get(`/search?q=${'x'.repeat(length)}`).expect(200);
        expect(headers['cache-status']).toContain(reason);
      }
      const slug = await get(`/page/${'%01'}`).expect(200);
      expect(slug.headers['cache-status']).toContain('no-key');
    });

    it.each(['%0d%0a', '%00', '%E2%80%8D', '%F0%9F%98%80', '%7B%7D'])('28: %s is a value of its own', async (text) => {
      const { body } = await get(`/search?q=${text}`).expect(200);
      expect(body).toEqual({ q: decodeURIComponent(text) });
      const { headers } = await get(`/search?q=${text}`);
      expect(headers['cache-status']).toContain('hit');
      expect((await get('/search?q=plain')).body).toEqual({ q: 'plain' });
    });

    it.each(['/page/a%2Fb', '/page/..%2Fmine', '/page/x;y=.css', '/page/%2e%2e'])(
      '20: %s is what it says, or nothing',
      async (path) => {
        const answer = await get(path);
        const slug = decodeURIComponent(path.slice('/page/'.length));
        expect([200, 404]).toContain(answer.status);
        expect(answer.status === 404 ? { slug } : answer.body).toEqual({ slug });
      },
    );

    it('20: no suffix makes a private page a public one', async () => {
      await get('/mine', { 'x-user': 'alice' });
      await get('/mine/x.css').expect(404);
      await get('/mine;x.css').expect(404);
    });

    it('18: the host, in whatever form, is part of nothing', async () => {
      await get('/search?q=host');
      const asked = (options: object): Promise<{ status: unknown; cache: unknown }> =>
        new Promise((resolve, reject) => {
          rawRequest({ host: '127.0.0.1', port: port(), ...options }, (answer) => {
            answer.resume();
            answer.on('end', () => resolve({ status: answer.statusCode, cache: answer.headers['cache-status'] }));
          })
            .on('error', reject)
            .end();
        });
      const hit = { status: 200, cache: expect.stringContaining('hit') as unknown };
      expect(await asked({ path: '/search?q=host', headers: { host: 'EVIL.example.:80' } })).toEqual(hit);
      expect(await asked({ path: 'http://evil.example/search?q=host' })).toEqual(hit);
    });

    it('21: what no server takes poisons nothing', async () => {
      const send = (text: string): Promise<string> =>
        new Promise((resolve) => {
          const socket = connect(port(), '127.0.0.1', () => socket.end(text));
          let answer = '';
          socket.on('data', (data) => (answer += data.toString())).on('close', () => resolve(answer.slice(9, 12)));
        });
      const head = 'GET /search?q=p HTTP/1.1\r\nHost: x\r\nConnection: close\r\n';
      expect(await send(`${head}X: ${'x'.repeat(40_000)}\r\n\r\n`)).toBe('431');
      expect(await send(`${head}X: a\u0007b\r\n\r\n`)).toBe('400');
      await get('/search?q=p').expect(200, { q: 'p' });
    });
  });

  describe('answers that a handler sends by itself pass, each to its caller, with one warning', () => {
    it('12: server-sent events', async () => {
      const warn = jest.spyOn(Logger.prototype, 'warn').mockImplementation(() => undefined);
      for (const n of [1, 2]) {
        const { text } = await get('/events');
        expect(text.match(/data: \w+/g)).toEqual(['data: one', 'data: two', 'data: three']);
        expect(calls).toBe(n);
      }
      expect(warn.mock.calls.map(([text]) => String(text))).toEqual([
        expect.stringContaining('NegativeController.events answers with server-sent events'),
      ]);
    });

    it('12: the response object', async () => {
      for (const n of [1, 2]) await get('/by-hand').expect(200, { n });
    });

    it('9: a redirect', async () => {
      for (const n of [1, 2]) {
        const { status, headers } = await get('/away');
        expect([status, headers['location']]).toEqual([302, `https://example.org/${n}`]);
      }
    });

    it('nothing at all', async () => {
      for (const answer of [await get('/nothing'), await get('/nothing')]) {
        expect([answer.status, answer.text]).toEqual([200, '']);
      }
      expect(calls).toBe(2);
    });
  });

  it('only-if-cached is answered with 504 where the cache is not asked', async () => {
    await get('/mine', { 'x-user': '', 'cache-control': 'only-if-cached' }).expect(504);
    expect(calls).toBe(0);
  });
});
