import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { createDatabase } from '../support/database';
import { eventually } from '../support/eventually';
import { RedisServer } from '../support/redis-server';
import { startService, type Service } from '../support/service';

describe('operations', () => {
  let database: Awaited<ReturnType<typeof createDatabase>>;
  const open: Service[] = [];

  const start = async (env: Record<string, string> = {}, redis?: string): Promise<Service> => {
    const service = await startService({ database: database.url, redis, env });
    open.push(service);
    return service;
  };

  beforeAll(async () => {
    database = await createDatabase();
  });

  afterEach(async () => {
    for (const service of open.splice(0)) await service.close();
  });

  afterAll(() => database.drop());

  it('counts requests to cached routes so that hits and misses add up', async () => {
    const service = await start();
    await service.http().get('/products/1');
    await service.http().get('/products/1');
    await service.http().get('/products/1');
    await service.http().get('/products/424242');
    await service.http().get('/products/424242');
    await service.http().get('/products/x');
    await service.http().get('/health');
    const { body } = await service.http().get('/cache/stats').expect(200);
    expect(body).toMatchObject({
      enabled: true,
      totalRequests: 5,
      cacheHits: 3,
      cacheMisses: 2,
      hitRate: 0.6,
      local: {
        hits: 3,
        misses: 2,
        sets: 2,
        deletes: 0,
        evictions: 0,
        expirations: 0,
        hitRate: 0.6,
        size: 2,
        maxSize: 100_000,
      },
      redis: { connected: false, hits: 0, misses: 0 },
      loads: { count: 2, errors: 0, coalesced: 0 },
      stale: { served: 0 },
      coherence: { mode: 'off', leaseHeld: true, instances: 1 },
    });
    expect(body.avgResponseTimeMs).toBeGreaterThan(0);
    expect(body.local.bytes).toBeGreaterThan(0);
    expect(body.local.maxBytes).toBe(64 * 1_048_576);
  });

  it('shows metrics in Prometheus text, labelled by route template', async () => {
    const service = await start();
    await service.http().get('/products/1');
    await service.http().get('/products/2');
    const { text, headers } = await service.http().get('/metrics').expect(200);
    expect(headers['content-type']).toContain('text/plain');
    expect(text).toMatch(/^process_cpu_user_seconds_total /m);
    expect(text).toMatch(/cache_requests_total\{cache="http",tier="L1",result="miss"\} 2/);
    expect(text).toMatch(
      /http_request_duration_seconds_count\{method="GET",route="\/products\/:id",status="200",cache="miss"\}/,
    );
    expect(text).not.toContain('/products/1');
  });

  it('shows the state of coherence: lease, members, invalidations, rejected fills', async () => {
    const redis = await RedisServer.start();
    const [a, b] = [await start({}, redis.url), await start({}, redis.url)];
    const stats = async (service: Service) => (await service.http().get('/cache/stats')).body;
    await eventually(async () => (await stats(a)).coherence.instances >= 2 && (await stats(b)).coherence.leaseHeld);
    await a.http().patch('/products/1').send({ price: 77 }).expect(200);
    const { coherence, fills } = await stats(a);
    expect(coherence).toMatchObject({
      mode: 'acknowledged',
      leaseHeld: true,
      waitingTags: 0,
      deferredInvalidations: 0,
    });
    expect(coherence.invalidations).toBeGreaterThan(0);
    expect(coherence.avgInvalidationMs).toBeGreaterThan(0);
    expect(fills).toEqual({ rejected: 0 });
    expect((await stats(b)).coherence.appliedInvalidations).toBe(coherence.invalidations);
    const { text } = await a.http().get('/metrics');
    expect(text).toMatch(/^cache_members [2-9]/m);
    expect(text).toMatch(/^cache_lease_held 1/m);
    expect(text).toMatch(/cache_invalidations_total\{cache="\*",kind="delete",origin="local"\} [1-9]/);
    expect(text).toMatch(/cache_invalidation_duration_seconds_count\{cache="\*"\} [1-9]/);
    await redis.stop();
  });

  it('reports health: healthy, degraded without Redis, back again', async () => {
    const redis = await RedisServer.start();
    const service = await start({}, redis.url);
    const health = async (): Promise<Record<string, unknown>> => (await service.http().get('/health').expect(200)).body;
    await eventually(async () => (await health())['status'] === 'healthy');
    expect(await health()).toMatchObject({ cacheStatus: { local: 'active', redis: 'connected' } });
    await redis.kill();
    await eventually(async () => (await health())['status'] === 'degraded');
    expect(await health()).toMatchObject({ cacheStatus: { local: 'active', redis: 'disconnected' } });
    await service.http().get('/products/3').expect(200);
    await service.http().get('/health/ready').expect(200);
    await redis.launch();
    await eventually(async () => (await health())['status'] === 'healthy');
    await redis.stop();
  });

  it('starts without Redis and connects when it appears', async () => {
    const redis = await RedisServer.start();
    await redis.kill();
    const service = await start({}, redis.url);
    await service.http().get('/products/3').expect(200);
    await redis.launch();
    await eventually(async () => (await service.http().get('/cache/stats')).body.coherence.leaseHeld);
    await service.http().get('/products/3');
    expect((await service.http().get('/products/3')).headers['cache-status']).toContain('detail=L1');
    await redis.stop();
  });

  it('keeps a write that could not reach Redis and delivers it later', async () => {
    const redis = await RedisServer.start();
    const [a, b] = [await start({}, redis.url), await start({}, redis.url)];
    await eventually(() => a.backend.strata.state.leaseHeld && b.backend.strata.state.leaseHeld);
    await redis.kill();
    await eventually(() => !a.backend.redis.connected && !b.backend.redis.connected);
    const answer = await a.http().patch('/products/5').send({ price: 5.5 }).expect(200);
    expect(answer.headers['cache-invalidation']).toBe('deferred');
    expect((await a.http().get('/products/5')).body.price).toBe(5.5);
    await redis.launch();
    await eventually(() => a.backend.redis.connected && a.backend.strata.deferredTags === 0);
    expect((await b.http().get('/products/5')).body.price).toBe(5.5);
    await redis.stop();
  });

  it('answers 503 for such a write when told to, and stores it all the same', async () => {
    const redis = await RedisServer.start();
    const service = await start({ CACHE_UNDELIVERED: 'fail' }, redis.url);
    await redis.kill();
    await eventually(() => !service.backend.redis.connected);
    const answer = await service.http().patch('/products/6').send({ price: 6.5 }).expect(503);
    expect(answer.body.detail).toContain('The write is stored');
    expect((await service.http().get('/products/6')).body.price).toBe(6.5);
    await redis.stop();
  });

  describe('who may do what', () => {
    const writes: [method: 'post' | 'put' | 'patch' | 'delete', path: string][] = [
      ['post', '/products'],
      ['post', '/products/batch'],
      ['put', '/products/1'],
      ['patch', '/products/1'],
      ['delete', '/products/1'],
      ['post', '/products/1/invalidate'],
      ['post', '/cache/invalidate'],
      ['delete', '/cache'],
    ];

    it('guards every write with the token, and reads with nothing', async () => {
      const service = await start({ ADMIN_TOKEN: 'correct horse battery'.replaceAll(' ', '-') });
      for (const [method, path] of writes) {
        const refused = await service.http()[method](path).send({});
        expect([path, refused.status]).toEqual([path, 401]);
        expect(refused.headers['www-authenticate']).toContain('Bearer');
        const wrong = await service.http()[method](path).set('authorization', 'Bearer wrong').send({});
        expect(wrong.status).toBe(401);
      }
      await service.http().get('/products/1').expect(200);
      await service.http().get('/cache/stats').expect(200);
      await service.http().get('/metrics').expect(200);
      const authorization = 'Bearer correct-horse-battery';
      await service.http().patch('/products/1').set('authorization', authorization).send({ price: 2 }).expect(200);
      await service.http().delete('/cache').set('authorization', authorization).expect(204);
    });

    it('refuses all of them in production without a token', async () => {
      const service = await start({ NODE_ENV: 'production' });
      for (const [method, path] of writes) expect((await service.http()[method](path).send({})).status).toBe(403);
      await service.http().get('/products/1').expect(200);
    });

    it('without a token lets only this machine write, and no page of another site', async () => {
      const service = await start({ TRUST_PROXY: 'loopback' });
      await service.http().patch('/products/1').send({ price: 3 }).expect(200);
      await service.http().patch('/products/1').set('x-forwarded-for', '203.0.113.9').send({ price: 3 }).expect(403);
      await service.http().post('/products/1/invalidate').set('sec-fetch-site', 'cross-site').expect(403);
      await service.http().post('/products/1/invalidate').set('host', 'rebound.example').expect(403);
      await service.http().post('/products/1/invalidate').set('x-forwarded-for', '127.0.0.1').expect(403);
    });

    it('does not believe X-Forwarded-For unless told to', async () => {
      const service = await start({ WRITE_RATE_LIMIT: '2', ADMIN_TOKEN: 'correct-horse-battery' });
      const write = (from: string): Promise<{ status: number }> =>
        service
          .http()
          .patch('/products/1')
          .set('authorization', 'Bearer correct-horse-battery')
          .set('x-forwarded-for', from)
          .send({ price: 3 });
      expect([(await write('1.1.1.1')).status, (await write('2.2.2.2')).status]).toEqual([200, 200]);
      expect((await write('3.3.3.3')).status).toBe(429);
    });

    it('limits writes a minute and client, counting refused tokens double', async () => {
      const service = await start({ WRITE_RATE_LIMIT: '4', ADMIN_TOKEN: 'correct-horse-battery' });
      const wrong = () => service.http().patch('/products/1').set('authorization', 'Bearer no').send({ price: 3 });
      expect((await wrong()).status).toBe(401);
      expect((await wrong()).status).toBe(401);
      const limited = await wrong();
      expect(limited.status).toBe(429);
      expect(Number(limited.headers['retry-after'])).toBeGreaterThan(0);
      expect(limited.body.title).toBe('Too Many Requests');
      await service.http().get('/products/1').expect(200);
    });

    it('guards /metrics when it is not public', async () => {
      const service = await start({ METRICS_PUBLIC: 'false', ADMIN_TOKEN: 'correct-horse-battery' });
      await service.http().get('/metrics').expect(401);
      await service.http().get('/metrics').set('authorization', 'Bearer correct-horse-battery').expect(200);
    });
  });

  it('documents every route, its parameters and its problems', async () => {
    const service = await start();
    const { body } = await service.http().get('/docs-json').expect(200);
    const routes = Object.entries(body.paths as Record<string, Record<string, Operation>>).flatMap(([path, methods]) =>
      Object.entries(methods).map(([method, operation]) => ({ route: `${method} ${path}`, operation })),
    );
    expect(routes.map(({ route }) => route).sort()).toEqual([
      'delete /cache',
      'delete /products/{id}',
      'get /cache/entries/{key}',
      'get /cache/stats',
      'get /cache/warm',
      'get /health',
      'get /health/live',
      'get /health/ready',
      'get /log-level',
      'get /metrics',
      'get /products',
      'get /products/{id}',
      'patch /products/{id}',
      'post /cache/invalidate',
      'post /cache/warm',
      'post /products',
      'post /products/batch',
      'post /products/{id}/invalidate',
      'put /log-level',
      'put /products/{id}',
    ]);
    for (const { operation } of routes) {
      expect(operation.summary).toMatch(/\w{3,}/);
      for (const [status, response] of Object.entries(operation.responses)) {
        expect(response.description).toMatch(/\w{2,}/);
        expect(response.headers).toHaveProperty('X-Request-Id');
        if (status === '429' || status === '503') expect(response.headers).toHaveProperty('Retry-After');
      }
    }
    expect(body.paths['/products'].post.responses['201'].headers).toHaveProperty('Location');
    expect(body.paths['/products/batch'].post.responses['201'].headers).toHaveProperty('Cache-Group-Invalidation');
    const change = body.paths['/products/{id}'].patch as Operation;
    expect(change.requestBody!.content['application/json'].schema).toMatchObject({ minProperties: 1 });
    const page = readFileSync(join(__dirname, '../../docs/reference/service.md'), 'utf8');
    for (const path of Object.keys(body.paths as object)) expect(page).toContain(path);
    const list = body.paths['/products'].get as Operation;
    expect(list.parameters!.map((parameter) => parameter.name)).toEqual([
      'category',
      'search',
      'inStock',
      'minPrice',
      'maxPrice',
      'sort',
      'limit',
      'offset',
      'If-None-Match',
      'Cache-Control',
    ]);
    expect(list.parameters!.find((parameter) => parameter.name === 'limit')!.schema).toMatchObject({
      minimum: 1,
      maximum: 100,
    });
    expect(body.paths['/products/{id}'].put.responses['404'].content).toHaveProperty(['application/problem+json']);
    expect(body.paths['/products'].post.security).toEqual([{ bearer: [] }]);
    await service.http().get('/docs').expect(200).expect('content-type', /html/);
    // What Swagger UI sends when nobody changes it.
    const bodies = routes.filter(({ operation }) => operation.requestBody !== undefined);
    expect(bodies.map(({ route }) => route).sort()).toEqual([
      'patch /products/{id}',
      'post /cache/invalidate',
      'post /products',
      'post /products/batch',
      'put /log-level',
      'put /products/{id}',
    ]);
    for (const { route, operation } of bodies) {
      const [example] = Object.values(operation.requestBody!.content['application/json'].examples);
      expect([route, example]).toEqual([route, { value: expect.anything() as unknown }]);
    }
  });
});

interface Operation {
  summary: string;
  requestBody?: { content: { 'application/json': { schema: object; examples: Record<string, { value: unknown }> } } };
  parameters?: { name: string; schema: object }[];
  responses: Record<string, { description: string; headers?: object }>;
}
