import { Readable } from 'node:stream';
import { brotliDecompressSync, gunzipSync } from 'node:zlib';
import {
  Catch,
  Controller,
  ForbiddenException,
  Get,
  Headers,
  HttpException,
  Module,
  NotFoundException,
  Param,
  Post,
  Query,
  Res,
  StreamableFile,
  UseFilters,
  UseGuards,
  type ArgumentsHost,
  type CanActivate,
  type ExceptionFilter,
  type ExecutionContext,
  type INestApplication,
} from '@nestjs/common';
import { HttpAdapterHost, NestFactory } from '@nestjs/core';
import { ExpressAdapter } from '@nestjs/platform-express';
import { FastifyAdapter } from '@nestjs/platform-fastify';
import {
  Cacheable,
  CacheBackend,
  CacheEvict,
  CacheModule,
  canonicalKey,
  touched,
  withHeaders,
  type CacheRequest,
} from '@strata/cache';
import request from 'supertest';
import { rehearsed } from '../support/rehearsed';

interface Reply {
  header(name: string, value: string): unknown;
}

let calls = 0;
let guarded = true;
const LAST_MODIFIED = 'Wed, 21 Oct 2015 07:28:00 GMT';
const LONG = 'long '.repeat(1_000);

class Door implements CanActivate {
  canActivate(context: ExecutionContext): boolean {
    const { headers } = context.switchToHttp().getRequest<CacheRequest>();
    if (guarded && headers['x-key'] !== 'open') throw new ForbiddenException();
    return true;
  }
}

const who = ({ headers }: CacheRequest): string | undefined =>
  /^Bearer (.*)$/.exec(String(headers['authorization']))?.[1];

@Catch(NotFoundException)
class WordsNotFound implements ExceptionFilter {
  constructor(private readonly host: HttpAdapterHost) {}

  catch(error: NotFoundException, host: ArgumentsHost): void {
    this.host.httpAdapter.reply(host.switchToHttp().getResponse(), { worded: error.getResponse() }, 404);
  }
}

@Controller()
class ProbeController {
  @Get('plain')
  @Cacheable({ key: () => 'plain', scope: 'public', tags: () => ['plain', 'with "quotes"'], surrogateKeys: true })
  plain() {
    return withHeaders({ n: ++calls }, { 'Last-Modified': LAST_MODIFIED });
  }

  @Get('long')
  @Cacheable({ key: () => 'long', scope: 'public', cacheControl: 'public, max-age=5', cdnCacheControl: 'max-age=60' })
  long() {
    calls++;
    return { text: LONG };
  }

  @Get('mine')
  @Cacheable({ key: () => 'mine', scope: 'user' })
  mine(@Headers('authorization') authorization: string) {
    return { n: ++calls, for: authorization };
  }

  @Get('ours')
  @Cacheable({ key: () => 'ours', scope: 'tenant', identity: () => NaN as unknown as string })
  ours() {
    return ++calls;
  }

  @Get('undeclared')
  @Cacheable({ key: () => 'undeclared' })
  undeclared() {
    return ++calls;
  }

  @Get('language')
  @Cacheable({ key: () => 'language', scope: 'public', vary: ['Accept-Language'] })
  language(@Headers('accept-language') language = 'none') {
    calls++;
    return withHeaders({ language }, { vary: 'Accept-Language' });
  }

  @Get('long-taste')
  @Cacheable({ key: () => 'long-taste', scope: 'public', vary: ['X-Taste'] })
  longTaste(@Headers('x-taste') taste = 'none') {
    calls++;
    return { taste, text: 'x'.repeat(2_000) };
  }

  @Get('varying')
  @Cacheable({ key: () => 'varying', scope: 'public' })
  varying(@Headers('x-taste') taste = 'none') {
    calls++;
    return withHeaders({ taste }, { vary: 'X-Taste' });
  }

  @Get('kept-out/:how')
  @Cacheable({ key: ({ params }) => canonicalKey('kept-out', { how: params['how'] }), scope: 'public' })
  keptOut(@Param('how') how: string, @Res({ passthrough: true }) reply: Reply) {
    if (how === 'cookie') reply.header('set-cookie', `sid=${calls}`);
    if (how === 'private') reply.header('cache-control', 'private');
    if (how === 'no-store') reply.header('cache-control', 'max-age=5, no-store');
    if (how === 'thrown') throw new NotFoundException(`call ${++calls}`);
    return ++calls;
  }

  @Get('choosy')
  @Cacheable({
    key: () => 'choosy',
    scope: 'public',
    condition: ({ headers }) => headers['x-skip'] === undefined,
    unless: (result) => (result as number) % 2 === 1,
  })
  choosy() {
    return ++calls;
  }

  @Get('guarded')
  @UseGuards(Door)
  @Cacheable({ key: () => 'guarded', scope: 'public' })
  behindADoor() {
    return ++calls;
  }

  @Get('refused/:how')
  @UseFilters(WordsNotFound)
  @Cacheable({ key: ({ params }) => `refused:${params['how']}`, scope: 'public', negativeStatuses: [404] })
  refused(@Param('how') how: string) {
    calls++;
    throw how === 'bare'
      ? new HttpException('nothing here', 404)
      : new NotFoundException({ code: 'NO_ITEM', n: calls });
  }

  @Get('web/:what')
  @Cacheable({ key: ({ params }) => `web:${params['what']}`, scope: 'public' })
  web(@Param('what') what: string) {
    calls++;
    if (what === 'stream') return new Blob(['hello']).stream();
    return what === 'response' ? new Response('hello') : new Uint8Array([104, 105]);
  }

  @Get('stream')
  @Cacheable({ key: () => 'stream', scope: 'public' })
  async stream() {
    calls++;
    await new Promise((resolve) => setImmediate(resolve));
    return new StreamableFile(Readable.from([Buffer.from(`file ${calls}`)]));
  }

  @Get('text')
  @Cacheable({ key: () => 'text', scope: 'public' })
  text() {
    calls++;
    return 'grün';
  }

  @Get('bytes')
  @Cacheable({ key: () => 'bytes', scope: 'public' })
  bytes() {
    calls++;
    return withHeaders(Buffer.from([0, 255, 128]), { 'content-type': 'image/x-odd' });
  }

  @Get('search')
  @Cacheable({ key: ({ query }) => canonicalKey('search', { q: query['q'] as string }), scope: 'public' })
  search(@Query('q') q: string) {
    calls++;
    return { q };
  }

  @Get('v1')
  @Cacheable({ key: () => 'shape', scope: 'public', version: 1 })
  v1() {
    return { old: true };
  }

  @Get('v2')
  @Cacheable({ key: () => 'shape', scope: 'public', version: 2 })
  v2() {
    return { new: true };
  }

  @Post('write')
  @CacheEvict({ tags: () => ['plain'] })
  write() {
    return touched('done', 'learnt');
  }

  @Post('write-first')
  @CacheEvict({ tags: () => ['plain'], beforeInvocation: true })
  writeFirst() {
    throw new NotFoundException();
  }
}

@Module({
  imports: [
    CacheModule.forRoot({
      identify: (_scope, request) => who(request),
      mayRefresh: ({ headers }) => headers['x-admin'] === 'yes',
    }),
  ],
  controllers: [ProbeController],
})
class ProbeModule {}

const adapters = { Fastify: () => new FastifyAdapter(), Express: () => new ExpressAdapter() };

describe.each(Object.entries(adapters))('HTTP caching on %s', (name, adapter) => {
  let app: INestApplication;
  const get = (path: string, headers: Record<string, string> = {}) => {
    // supertest asks for gzip by itself.
    return request(app.getHttpServer())
      .get(path)
      .set({ 'accept-encoding': 'identity', ...headers });
  };
  const status = async (path: string, headers: Record<string, string> = {}): Promise<string> =>
    (await get(path, headers)).headers['cache-status']!;

  beforeAll(async () => {
    app = await NestFactory.create(ProbeModule, adapter() as FastifyAdapter, { logger: false });
    rehearsed(app, 20);
    await app.init();
    await (app.getHttpAdapter().getInstance() as { ready?: () => Promise<void> }).ready?.();
  });

  beforeEach(async () => {
    await app.get(CacheBackend).httpCache().settled();
    calls = 0;
    guarded = true;
    await app.get(CacheBackend).strata.clear();
  });

  afterAll(() => app.close());

  describe('validators', () => {
    it('a hit sends the stored bytes, type and validators; Age says how old they are', async () => {
      const load = await get('/plain').expect(200);
      const hit = await get('/plain').expect(200);
      expect(hit.text).toBe(load.text);
      for (const name of ['etag', 'last-modified', 'content-type', 'cache-control', 'cache-groups', 'content-length']) {
        expect([name, hit.headers[name]]).toEqual([name, load.headers[name]]);
        expect(hit.headers[name]).toEqual(expect.any(String));
      }
      expect([load.headers['age'], hit.headers['age']]).toEqual([undefined, '0']);
      expect(hit.headers['cache-control']).toBe('no-cache');
      expect(hit.headers['cache-groups']).toBe('"plain", "with \\"quotes\\""');
      expect(hit.headers['surrogate-key']).toBe('plain');
      expect(calls).toBe(1);
    });

    it('If-None-Match is answered with 304 and what a 304 repeats, without the handler', async () => {
      const { headers } = await get('/plain');
      for (const tags of [headers['etag']!, `W/${headers['etag']}`, `"x", ${headers['etag']}`, '*']) {
        const answer = await get('/plain', { 'if-none-match': tags }).expect(304);
        expect(answer.text).toBe('');
        expect(answer.headers).toMatchObject({ etag: headers['etag'], 'last-modified': LAST_MODIFIED });
        expect(answer.headers['cache-control']).toBe('no-cache');
        expect(answer.headers['content-type']).toBeUndefined();
      }
      await get('/plain', { 'if-none-match': '"other"' }).expect(200);
      expect(calls).toBe(1);
    });

    it('If-Modified-Since counts only without If-None-Match', async () => {
      await get('/plain', { 'if-modified-since': LAST_MODIFIED }).expect(304);
      await get('/plain', { 'if-modified-since': 'Wed, 21 Oct 2015 07:27:59 GMT' }).expect(200);
      await get('/plain', { 'if-modified-since': LAST_MODIFIED, 'if-none-match': '"other"' }).expect(200);
      await get('/plain', { 'if-modified-since': 'nonsense' }).expect(200);
    });

    it('HEAD is answered like GET, without the body', async () => {
      const { headers, text } = await get('/plain');
      const head = await request(app.getHttpServer()).head('/plain').set('accept-encoding', 'identity').expect(200);
      expect(head.text ?? '').toBe('');
      expect(head.headers).toMatchObject({ etag: headers['etag'], 'content-type': headers['content-type'] });
      expect(head.headers['content-length']).toBe(String(Buffer.byteLength(text)));
      expect(calls).toBe(1);
    });

    it.each(['/plain', '/long'])('a 304 to HEAD %s tells the length of the 200, or none', async (path) => {
      for (const coding of ['identity', 'gzip', 'gzip']) {
        const head = (headers: Record<string, string>) =>
          request(app.getHttpServer())
            .head(path)
            .set({ 'accept-encoding': coding, ...headers });
        const full = await head({}).expect(200);
        for (const _hit of [1, 2, 3]) {
          const { headers } = await head({ 'if-none-match': full.headers['etag']! }).expect(304);
          expect([undefined, full.headers['content-length']]).toContain(headers['content-length']);
          expect(headers['content-encoding']).toBeUndefined();
        }
      }
    });
  });

  describe('encodings', () => {
    const raw = (coding: string) =>
      get('/long', { 'accept-encoding': coding })
        .buffer(true)
        .parse((response, done) => {
          const parts: Buffer[] = [];
          response.on('data', (part: Buffer) => parts.push(part));
          response.on('end', () => done(null, Buffer.concat(parts)));
        });

    it('each has its own bytes and its own strong tag; every answer says what it varies by', async () => {
      const [identity, gzip] = [await raw('identity'), await raw('gzip')];
      expect(identity.headers['content-encoding']).toBeUndefined();
      expect(gzip.headers['content-encoding']).toBe('gzip');
      expect(gzip.headers['etag']).not.toBe(identity.headers['etag']);
      for (const { headers } of [identity, gzip]) expect(headers['vary']).toBe('accept-encoding');
      expect(JSON.parse((identity.body as Buffer).toString())).toEqual({ text: LONG });
      expect(Number(gzip.headers['content-length'])).toBeLessThan(LONG.length / 4);
      await get('/long', { 'accept-encoding': 'gzip', 'if-none-match': gzip.headers['etag']! }).expect(304);
      await get('/long', { 'accept-encoding': 'gzip', 'if-none-match': identity.headers['etag']! }).expect(200);
      expect(calls).toBe(1);
    });

    it('decode to the same bytes, are made once, and are counted', async () => {
      await raw('identity');
      const cache = app.get(CacheBackend).httpCache();
      const before = cache.localUsage.bytes;
      const port = (app.getHttpServer() as { address(): { port: number } | null }).address()?.port;
      if (port === undefined) await app.listen(0);
      const url = await app.getUrl();
      for (const [coding, decode] of [
        ['br', brotliDecompressSync],
        ['gzip', gunzipSync],
      ] as const) {
        const { request: send } = await import('node:http');
        const bytes = await new Promise<Buffer>((resolve, reject) => {
          send(`${url.replace('[::1]', '127.0.0.1')}/long`, { headers: { 'accept-encoding': coding } }, (response) => {
            const parts: Buffer[] = [];
            response.on('data', (part: Buffer) => parts.push(part)).on('end', () => resolve(Buffer.concat(parts)));
          })
            .on('error', reject)
            .end();
        });
        expect(JSON.parse(decode(bytes).toString())).toEqual({ text: LONG });
        expect(cache.localUsage.bytes).toBeGreaterThan(before);
      }
      expect(calls).toBe(1);
    });
  });

  it('a route sets Cache-Control, and CDN-Cache-Control for a CDN alone', async () => {
    const { headers } = await get('/long');
    expect(headers).toMatchObject({ 'cache-control': 'public, max-age=5', 'cdn-cache-control': 'max-age=60' });
  });

  describe('identity', () => {
    const [alice, bob] = [{ authorization: 'Bearer alice' }, { authorization: 'Bearer bob' }];

    it('a request that identifies its sender meets no shared entry unless the route says how', async () => {
      for (const headers of [alice, { cookie: 'sid=1' }]) {
        const [first, second] = [await get('/undeclared', headers), await get('/undeclared', headers)];
        expect(first.text).not.toBe(second.text);
        expect(second.headers['cache-status']).toMatch(/fwd=bypass; detail=(authorization|cookie)/);
        expect(second.headers['cache-control']).toBe('private, no-cache');
      }
    });

    it('scope user: each has an entry of his own, private to caches on the way', async () => {
      const answers = [await get('/mine', alice), await get('/mine', bob), await get('/mine', alice)];
      expect(answers.map(({ body }) => body.for)).toEqual(['Bearer alice', 'Bearer bob', 'Bearer alice']);
      expect(calls).toBe(2);
      expect(answers[2]!.headers['cache-status']).toContain('hit');
      expect(answers[2]!.headers['cache-control']).toBe('private, no-cache');
    });

    it.each(['/mine', '/ours'])('%s: an identity of nothing is a bypass, never a shared key', async (path) => {
      expect(await status(path)).toContain('fwd=bypass; detail=no-identity');
      expect(await status(path)).toContain('fwd=bypass; detail=no-identity');
      expect(calls).toBe(2);
    });

    it('one who is called like the inside of a key gets nobody else’s answer', async () => {
      await get('/mine', alice);
      for (const name of ['alice&version=', '%61lice', 'alice\t', 'Alice', '__proto__', 'undefined']) {
        const headers = { authorization: `Bearer ${name}` };
        expect((await get('/mine', headers)).body.for).toBe(headers.authorization.trimEnd());
      }
    });

    it('guards run on every hit', async () => {
      await get('/guarded', { 'x-key': 'open' }).expect(200);
      await get('/guarded').expect(403);
      expect(await status('/guarded', { 'x-key': 'open' })).toContain('hit');
    });
  });

  describe('what is kept', () => {
    it.each(['cookie', 'private', 'no-store', 'thrown'])('nothing that is answered with %s', async (how) => {
      const [first, second] = [await get(`/kept-out/${how}`), await get(`/kept-out/${how}`)];
      expect(first.text).not.toBe(second.text);
      expect(calls).toBe(2);
    });

    it('one entry for each value of a declared header, and none for an answer that varies by another', async () => {
      for (const language of ['de', 'fr', 'de']) {
        expect((await get('/language', { 'accept-language': language })).body).toEqual({ language });
      }
      expect(calls).toBe(2);
      expect((await get('/language', { 'accept-language': 'de' })).headers['vary']).toBe('accept-language');
      for (let i = 0; i < 2; i++)
        expect((await get('/long-taste', { 'x-taste': 'sour' })).headers['vary']).toBe('x-taste, accept-encoding');
      for (const taste of ['sweet', 'sour']) {
        expect((await get('/varying', { 'x-taste': taste })).body).toEqual({ taste });
      }
    });

    it('condition is asked before, unless after', async () => {
      expect(await status('/choosy', { 'x-skip': '1' })).toContain('detail=condition');
      calls = 0;
      expect((await get('/choosy')).text).toBe('1');
      expect((await get('/choosy')).text).toBe('2');
      expect((await get('/choosy')).text).toBe('2');
    });

    it('a handler of another version does not find the old shape', async () => {
      await get('/v1');
      expect((await get('/v2')).body).toEqual({ new: true });
      expect((await get('/v1')).body).toEqual({ old: true });
    });

    it('an error that is kept is the same error on a hit, for those who catch it and in what it says', async () => {
      for (const status of ['fwd=uri-miss; stored', 'hit']) {
        const answer = await get('/refused/item').expect(404, { worded: { code: 'NO_ITEM', n: 1 } });
        expect(answer.headers['cache-status']).toContain(status);
        await get('/refused/bare').expect(404, { statusCode: 404, message: 'nothing here' });
      }
      expect(calls).toBe(2);
    });

    it.each(['stream', 'response', 'bytes'])(
      'what the web platform calls a %s passes, and is not kept',
      async (what) => {
        const answers = [await get(`/web/${what}`).buffer(true), await get(`/web/${what}`).buffer(true)];
        expect(calls).toBe(2);
        for (const { headers } of answers) expect(headers['cache-status']).toContain('fwd=bypass; detail=stream');
      },
    );

    it('streams pass, each to the caller it was made for', async () => {
      const read = async () => (await get('/stream').buffer(true)).body as Buffer;
      const answers = await Promise.all([read(), read(), read()]);
      expect(new Set(answers.map(String)).size).toBe(3);
      expect(await status('/stream')).toContain('fwd=bypass; detail=stream');
    });

    it('text and bytes keep their type', async () => {
      for (let i = 0; i < 2; i++) {
        const text = await get('/text');
        // What each makes of a text without the cache.
        const type = name === 'Express' ? 'text/html; charset=utf-8' : 'text/plain; charset=utf-8';
        expect([text.text, text.headers['content-type']]).toEqual(['grün', type]);
        const bytes = await get('/bytes').buffer(true);
        expect([[...(bytes.body as Buffer)], bytes.headers['content-type']]).toEqual([[0, 255, 128], 'image/x-odd']);
      }
      expect(calls).toBe(2);
    });

    it('parameters that the key does not name make no entry', async () => {
      for (const junk of ['', '&utm=1', '&q2=x', '&__proto__=1', `&${'z'.repeat(500)}`])
        await get(`/search?q=a${junk}`);
      expect(calls).toBe(1);
    });
  });

  describe('what a request asks for', () => {
    it('no-store and Range are not answered from the cache', async () => {
      await get('/plain');
      expect(await status('/plain', { 'cache-control': 'no-store' })).toContain('detail=no-store');
      expect(await status('/plain', { range: 'bytes=0-1' })).toContain('detail=range');
    });

    it('only-if-cached is answered from the cache, or with 504 and no load', async () => {
      await get('/plain', { 'cache-control': 'only-if-cached' }).expect(504);
      expect(calls).toBe(0);
      await get('/plain');
      await get('/plain', { 'cache-control': 'only-if-cached' }).expect(200);
      expect(calls).toBe(1);
    });

    it.each(['no-cache', 'max-age=0'])('%s forces a load for those who may, and for nobody else', async (control) => {
      await get('/plain');
      expect(await status('/plain', { 'cache-control': control })).toContain('hit');
      const refreshed = await get('/plain', { 'cache-control': control, 'x-admin': 'yes' });
      expect(refreshed.headers['cache-status']).toContain('fwd=request; stored');
      expect(refreshed.body).toEqual({ n: 2 });
      expect((await get('/plain')).body).toEqual({ n: 2 });
    });

    it('other methods never meet the cache', async () => {
      await get('/plain');
      await request(app.getHttpServer()).post('/plain').set('x-http-method-override', 'GET').expect(404);
    });
  });

  it('a write names the groups that it has invalidated', async () => {
    await get('/plain');
    const { headers } = await request(app.getHttpServer()).post('/write').expect(201);
    expect(headers['cache-group-invalidation']).toBe('"plain", "learnt"');
    expect(await status('/plain')).toContain('fwd=stale');
  });

  it('beforeInvocation invalidates although the handler fails', async () => {
    await get('/plain');
    await request(app.getHttpServer()).post('/write-first').expect(404);
    expect(await status('/plain')).toContain('fwd=stale');
  });
});
