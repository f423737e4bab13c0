import { createDatabase } from '../support/database';
import { eventually } from '../support/eventually';
import { RedisServer } from '../support/redis-server';
import { startService, type Service } from '../support/service';

describe('warming of the service', () => {
  let redis: RedisServer;
  let database: Awaited<ReturnType<typeof createDatabase>>;
  const running: Service[] = [];

  beforeAll(async () => {
    redis = await RedisServer.start();
    database = await createDatabase();
  });

  afterEach(async () => {
    for (const service of running.splice(0)) await service.close();
  });

  afterAll(async () => {
    await redis.stop();
    await database.drop();
  });

  async function start(env: Record<string, string> = {}): Promise<Service> {
    const service = await startService({ database: database.url, redis: redis.url, env });
    running.push(service);
    return service;
  }

  /** A life of the service in which some things are read. */
  async function lifeOf(paths: readonly string[], env: Record<string, string> = {}) {
    const service = await start(env);
    await eventually(() => service.backend.strata.state.leaseHeld);
    const answers = [];
    for (const path of paths) answers.push(await service.http().get(path));
    await service.backend.httpCache().settled();
    await running.pop()!.close();
    return answers.slice(0, new Set(paths).size);
  }

  /** Redis forgets all entries; versions, and what was hot, stay. */
  const forgetEntries = () =>
    redis.command(async (client) => {
      const names = await client.keys('*:entry:*');
      if (names.length > 0) await client.del(...names);
      return names.length;
    });

  const PATHS = ['/products/7', '/products?category=books&limit=5', '/products', '/products/8'];
  const compared = ({ body, headers }: { body: unknown; headers: Record<string, string> }) => {
    const { etag, link, vary, 'content-type': type, 'cache-control': control } = headers;
    return { body, etag, link, vary, type, control, total: headers['x-total-count'], groups: headers['cache-groups'] };
  };

  it('starts with what was read before, copied from Redis: the first reader gets a hit in L1', async () => {
    const before = await lifeOf([...PATHS, ...PATHS]);
    const service = await start();
    const { body: progress } = await service.http().get('/cache/warm').expect(200);
    expect(progress).toMatchObject({ state: 'done', known: 4, fromL2: 4, loaded: 0, failed: 0, left: 0 });
    for (const [index, path] of PATHS.entries()) {
      const answer = await service.http().get(path).expect(200);
      expect(answer.headers['cache-status']).toMatch(/hit.*detail=L1/);
      expect(compared(answer)).toEqual(compared(before[index]!));
    }
  });

  it('loads through the routes what Redis has lost: same bytes, same headers, the same tags', async () => {
    const before = await lifeOf([...PATHS, '/products/424242', ...PATHS]);
    await expect(forgetEntries()).resolves.toBeGreaterThan(3);
    const service = await start();
    const { body: progress } = await service.http().get('/cache/warm').expect(200);
    // The 404 is a hot key too; nobody loads what is not there.
    expect(progress).toMatchObject({ known: 5, fromL2: 0, loaded: 4, passedOver: 1, failed: 0, left: 0 });
    const answers = [];
    for (const path of PATHS) answers.push(await service.http().get(path).expect(200));
    for (const [index, answer] of answers.entries()) {
      expect(answer.headers['cache-status']).toMatch(/hit.*detail=L1/);
      expect(compared(answer)).toEqual(compared(before[index]!));
    }
    await service.http().patch('/products/7').send({ name: 'Warmed no more' }).expect(200);
    const [product, list] = [await service.http().get('/products/7'), await service.http().get('/products')];
    expect(product.body.name).toBe('Warmed no more');
    expect(list.headers['cache-status']).not.toMatch(/hit/);
    expect((list.body as { id: number; name: string }[]).find(({ id }) => id === 7)!.name).toBe('Warmed no more');
  });

  it('is not counted: statistics begin with the first request', async () => {
    await lifeOf(['/products/1', '/products/1']);
    const service = await start();
    const { body } = await service.http().get('/cache/stats').expect(200);
    expect(body).toMatchObject({ totalRequests: 0, cacheHits: 0, cacheMisses: 0, local: { hits: 0, misses: 0 } });
    expect(body.local.size).toBeGreaterThan(0);
  });

  it('warms by hand: 202, then progress; what was read a moment ago counts', async () => {
    const service = await start();
    await eventually(() => service.backend.strata.state.leaseHeld);
    await service.http().get('/products/30').expect(200);
    await service.backend.httpCache().settled();
    service.backend.httpCache().clearLocal();
    const begun = await service.http().post('/cache/warm').expect(202);
    expect(begun.body).toMatchObject({ state: 'running', startedAt: expect.any(String) as string });
    const done = await eventually(async () => {
      const { body } = await service.http().get('/cache/warm').expect(200);
      return body.state === 'done' && (body as { fromL2: number });
    });
    expect((done as { fromL2: number }).fromL2).toBeGreaterThan(0);
    expect((await service.http().get('/products/30')).headers['cache-status']).toMatch(/detail=L1/);
  });

  it('says why there is nothing to warm when it is off, and remembers nothing', async () => {
    await redis.command((client) => client.flushall());
    await lifeOf(['/products/1', '/products/1'], { CACHE_WARM_KEYS: '0' });
    const service = await start({ CACHE_WARM_KEYS: '0' });
    for (const method of ['get', 'post'] as const) {
      const { body } = await service.http()[method]('/cache/warm').expect(409);
      expect(body.detail).toContain('CACHE_WARM_KEYS above 0');
    }
    await expect(redis.command((client) => client.keys('*hot*'))).resolves.toEqual([]);
  });

  it('asks for the admin token', async () => {
    const service = await start({ ADMIN_TOKEN: 'a-token-of-some-length' });
    await service.http().post('/cache/warm').expect(401);
    await service.http().get('/cache/warm').expect(401);
  });
});
