import {
  Controller,
  Get,
  Header,
  HttpCode,
  Injectable,
  Module,
  NotFoundException,
  Param,
  UseInterceptors,
  type CallHandler,
  type ExecutionContext,
  type INestApplication,
  type NestInterceptor,
} from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { FastifyAdapter } from '@nestjs/platform-fastify';
import { Cacheable, CacheBackend, CacheModule, routeWarmer, withHeaders, type WithHeaders } from '@strata/cache';
import { map, type Observable } from 'rxjs';
import request from 'supertest';

@Injectable()
class HideSecrets implements NestInterceptor {
  intercept(_context: ExecutionContext, next: CallHandler): Observable<unknown> {
    return next.handle().pipe(map((value: { secret?: string }) => ({ ...value, secret: undefined })));
  }
}

@Controller()
class ProbeController {
  calls = 0;

  @Get('csv/:id')
  @Header('content-type', 'text/csv')
  @Header('x-kept', () => 'asked')
  @Cacheable({
    key: ({ params }) => `csv?id=${params['id']}`,
    scope: 'public',
    resultTags: (text) => [`t:${String(text).length}`],
  })
  csv(@Param('id') id: string): string {
    this.calls++;
    if (id === '404') throw new NotFoundException('gone');
    return `id,${id}`;
  }

  @Get('said')
  @Cacheable({ key: () => 'said', scope: 'public' })
  said(): WithHeaders<number[]> {
    this.calls++;
    return withHeaders([1], { 'X-Total-Count': '1' });
  }

  @Get('secret')
  @Header('cache-control', 'no-store')
  @Cacheable({ key: () => 'secret', scope: 'public' })
  secret(): string {
    this.calls++;
    return 'not to be kept';
  }

  @Get('mine')
  @Cacheable({ key: () => 'mine', scope: 'user', identity: () => 'ann' })
  mine(): string {
    return 'of ann';
  }

  @Get('hidden')
  @UseInterceptors(HideSecrets)
  @Cacheable({ key: () => 'hidden', scope: 'public' })
  hidden(): object {
    return { id: 1, secret: 'hash' };
  }

  @Get('accepted')
  @HttpCode(202)
  @Cacheable({ key: () => 'accepted', scope: 'public' })
  accepted(): string {
    return 'accepted';
  }

  @Get('plain')
  plain(): string {
    return 'plain';
  }
}

@Module({ imports: [CacheModule.forRoot({})], controllers: [ProbeController] })
class ProbeModule {}

describe('warming a route', () => {
  let app: INestApplication;
  let controller: ProbeController;
  let backend: CacheBackend;

  beforeEach(async () => {
    app = await NestFactory.create(ProbeModule, new FastifyAdapter(), { logger: false });
    await app.listen(0, '127.0.0.1');
    controller = app.get(ProbeController);
    backend = app.get(CacheBackend);
  });

  afterEach(() => app.close());

  const get = (path: string) => request(app.getHttpServer()).get(path);
  type Method = Parameters<typeof routeWarmer<ProbeController>>[1];

  /** What a warming does with one key. */
  async function warm(method: Method, key: string, args: readonly unknown[] = [], params: Record<string, string> = {}) {
    const load = routeWarmer(controller, method, () => ({ params, args }))(key);
    if (load === undefined) return 'not ours';
    return backend.httpCache().preload(key, load.loader, load.options);
  }

  it('makes the very answer that the route makes: bytes, type, declared headers, tags', async () => {
    await get('/csv/7');
    // A hit, as the warmed one will be.
    const live = await get('/csv/7');
    const { headers: kept } = backend.httpCache().peek('csv?id=7')!;
    await backend.httpCache().delete('csv?id=7');
    await warm('csv', 'csv?id=7', ['7'], { id: '7' });
    const { calls } = controller;
    const warmed = await get('/csv/7');
    expect(warmed.headers['cache-status']).toMatch(/hit/);
    expect(controller.calls).toBe(calls);
    expect(warmed.text).toBe(live.text);
    expect(backend.httpCache().peek('csv?id=7')!.headers).toEqual(kept);
    for (const name of ['content-type', 'x-kept', 'etag', 'vary', 'cache-control', 'cache-groups'])
      expect([name, warmed.headers[name]]).toEqual([name, live.headers[name]]);
  });

  it('keeps what the handler says beside its value', async () => {
    await warm('said', 'said');
    const { headers, body } = await get('/said');
    expect([headers['x-total-count'], body]).toEqual(['1', [1]]);
    expect(headers['cache-status']).toMatch(/hit/);
  });

  it('keeps nothing that the route would not keep', async () => {
    await expect(warm('secret', 'secret')).resolves.toMatchObject({ stored: false });
    expect((await get('/secret')).headers['cache-status']).not.toMatch(/hit/);
    expect(controller.calls).toBe(2);
  });

  it('passes over what is gone', async () => {
    await expect(warm('csv', 'csv?id=404', ['404'], { id: '404' })).resolves.toMatchObject({ stored: false });
    await get('/csv/404').expect(404);
  });

  it('knows only keys that an anonymous request to the route has', async () => {
    await expect(warm('csv', 'csv?id=8', ['7'], { id: '7' })).resolves.toBe('not ours');
    await expect(warm('mine', 'mine')).resolves.toBe('not ours');
  });

  it.each([
    ['hidden', /ProbeController\.hidden cannot be warmed: it has an interceptor between the cache and the handler/],
    ['accepted', /it answers with 202/],
    ['plain', /it has no @Cacheable/],
  ] as const)('refuses %s when it is registered', (method, message) => {
    expect(() => routeWarmer(controller, method, () => ({ args: [] }))).toThrow(message);
  });
});
