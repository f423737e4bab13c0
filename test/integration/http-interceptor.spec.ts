import {
  Controller,
  Get,
  HttpCode,
  Module,
  NotFoundException,
  Res,
  ServiceUnavailableException,
  type INestApplication,
} from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { FastifyAdapter } from '@nestjs/platform-fastify';
import { Cacheable, CacheBackend, CacheModule, withHeaders, type WithHeaders } from '@strata/cache';
import type { FastifyReply } from 'fastify';
import request from 'supertest';
import { rehearsed } from '../support/rehearsed';

let calls = 0;
let failure: Error | undefined;

@Controller()
class ProbeController {
  @Get('private')
  @Cacheable({ key: () => 'private' })
  async private(@Res({ passthrough: true }) reply: FastifyReply): Promise<number> {
    const n = ++calls;
    void reply.header('set-cookie', [`sid=${n}`, 'b=1']);
    await new Promise((resolve) => setImmediate(resolve));
    return n;
  }

  @Get('stale')
  @Cacheable({ key: () => 'stale', ttl: 1, staleWhileRevalidate: '1h', staleIfError: '1h' })
  stale(): WithHeaders<number> {
    return withHeaders(++calls, { 'X-Count': 'kept' });
  }

  @Get('failing')
  @Cacheable({ key: () => 'failing', ttl: 1, staleIfError: '1h' })
  failing(): string {
    if (failure !== undefined) throw failure;
    return 'fine';
  }

  @Get('odd')
  @Cacheable({ key: () => 'odd' })
  odd(@Res({ passthrough: true }) reply: FastifyReply): string {
    calls++;
    void reply.status(203);
    return 'odd';
  }

  @Get('own')
  @Cacheable({ key: () => 'own' })
  own(): number {
    return ++calls;
  }

  @Get('uncached')
  @HttpCode(200)
  uncached(): number {
    return ++calls;
  }
}

@Module({ imports: [CacheModule.forRoot({})], controllers: [ProbeController] })
class ProbeModule {}

describe('CacheableInterceptor on Fastify', () => {
  let app: INestApplication;
  let url: string;

  beforeAll(async () => {
    app = await NestFactory.create(ProbeModule, new FastifyAdapter(), { logger: false });
    rehearsed(app);
    await app.listen(0, '127.0.0.1');
    url = await app.getUrl();
  });

  beforeEach(async () => {
    await app.get(CacheBackend).httpCache().settled();
    calls = 0;
    failure = undefined;
    await app.get(CacheBackend).strata.clear();
  });

  afterAll(() => app.close());

  const get = (path: string, headers: Record<string, string> = {}) => request(url).get(path).set(headers);
  const settled = () => app.get(CacheBackend).httpCache().settled();

  it('never shares an answer that sets a cookie, not even among concurrent callers', async () => {
    const answers = await Promise.all([1, 2, 3, 4].map(() => get('/private')));
    expect(new Set(answers.map((answer) => answer.text)).size).toBe(4);
    for (const answer of answers) expect(answer.headers['set-cookie']).toEqual([`sid=${answer.text}`, 'b=1']);
  });

  it('a background refresh keeps the headers of the answer', async () => {
    await get('/stale');
    await new Promise((resolve) => setTimeout(resolve, 5));
    const stale = await get('/stale');
    expect(stale.headers['cache-status']).toContain('L1-stale-revalidate');
    await settled();
    const refreshed = await get('/stale');
    expect([refreshed.text, refreshed.headers['x-count']]).toEqual(['2', 'kept']);
  });

  it('an old answer stands in for a failure of the server, not for a verdict on the request', async () => {
    await get('/failing').expect(200);
    await new Promise((resolve) => setTimeout(resolve, 5));
    failure = new NotFoundException();
    const refused = await get('/failing').expect(404);
    expect(refused.headers['cache-status']).toBe('strata; fwd=uri-miss');
    failure = new ServiceUnavailableException();
    const served = await get('/failing').expect(200);
    expect(served.headers['cache-status']).toContain('stale-error');
  });

  it('does not keep an answer with another status than 200', async () => {
    await get('/odd').expect(203);
    await get('/odd').expect(203);
    expect(calls).toBe(2);
  });

  it.each([{ authorization: 'Bearer a' }, { cookie: 'sid=1' }])(
    'a route that is not public bypasses for %j',
    async (headers) => {
      await get('/own');
      const answer = await get('/own', headers as unknown as Record<string, string>);
      expect(answer.text).toBe('2');
      expect(answer.headers['cache-status']).toMatch(/^strata; fwd=bypass; detail=(authorization|cookie)$/);
      expect((await get('/own')).text).toBe('1');
    },
  );

  it('leaves routes without the decorator alone', async () => {
    expect((await get('/uncached')).headers['cache-status']).toBeUndefined();
  });
});
