import { CACHE_MANAGER } from '@nestjs/cache-manager';
import type { Cache } from 'cache-manager';
import { createDatabase } from '../support/database';
import { eventually } from '../support/eventually';
import { RedisServer } from '../support/redis-server';
import { startService, type Service } from '../support/service';

describe('caching of the products API', () => {
  let redis: RedisServer;
  let database: Awaited<ReturnType<typeof createDatabase>>;
  let a: Service;
  let b: Service;
  let uncached: Service;

  beforeAll(async () => {
    redis = await RedisServer.start();
    database = await createDatabase();
    const env = { WRITE_RATE_LIMIT: '0' };
    a = await startService({ database: database.url, redis: redis.url, env });
    b = await startService({ database: database.url, redis: redis.url, env });
    uncached = await startService({
      database: database.url,
      redis: redis.url,
      env: { ...env, CACHE_ENABLED: 'false' },
    });
    await eventually(() => a.backend.strata.state.leaseHeld && b.backend.strata.state.leaseHeld);
  });

  beforeEach(async () => {
    await a.http().delete('/cache').expect(204);
  });

  afterAll(async () => {
    await Promise.all([a.close(), b.close(), uncached.close()]);
    await redis.stop();
    await database.drop();
  });

  const status = async (service: Service, path: string): Promise<string> =>
    (await service.http().get(path)).headers['cache-status']!;
  const settled = (): Promise<unknown> =>
    Promise.all([a, b].flatMap((service) => service.backend.strata.all().map((cache) => cache.settled())));

  it('says where an answer came from: load, L1, L2', async () => {
    expect(await status(a, '/products/7')).toBe('strata; fwd=uri-miss; stored');
    await settled();
    expect(await status(a, '/products/7')).toMatch(/^strata; hit; ttl=\d+; detail=L1$/);
    expect(await status(b, '/products/7')).toMatch(/^strata; hit; ttl=\d+; detail=L2$/);
    expect(await status(b, '/products/7')).toMatch(/^strata; hit; ttl=\d+; detail=L1$/);
  });

  it('sends the same bytes and headers from every tier', async () => {
    const path = '/products?category=books&limit=3';
    const load = await a.http().get(path);
    await settled();
    const [l1, l2] = [await a.http().get(path), await b.http().get(path)];
    for (const hit of [l1, l2]) {
      expect(hit.text).toBe(load.text);
      for (const name of ['content-type', 'x-total-count', 'link', 'content-length']) {
        expect(hit.headers[name]).toBe(load.headers[name]);
      }
      expect(hit.headers['x-request-id']).not.toBe(load.headers['x-request-id']);
    }
  });

  it('uses one entry for one meaning, whatever the order of the query or the defaults spelled out', async () => {
    await a.http().get('/products?category=toys&limit=20');
    expect(await status(a, '/products?limit=20&category=toys')).toContain('hit');
    expect(await status(a, '/products?category=toys&offset=0&sort=id')).toContain('hit');
    expect(await status(a, '/products?category=toys&limit=21')).toContain('uri-miss');
  });

  it('runs the handler once for concurrent requests', async () => {
    const before = (await a.http().get('/cache/stats')).body.loads.count;
    const answers = await Promise.all(Array.from({ length: 20 }, () => a.http().get('/products?search=e&limit=50')));
    expect(new Set(answers.map((answer) => answer.text)).size).toBe(1);
    const { loads } = (await a.http().get('/cache/stats')).body;
    expect(loads.count - before).toBe(1);
    expect(answers.filter((answer) => answer.headers['cache-status']!.includes('collapsed')).length).toBeGreaterThan(0);
  });

  it('a write through one instance is seen through the other at once', async () => {
    for (let price = 1; price <= 10; price++) {
      await b.http().get('/products/9');
      await b.http().get('/products?limit=100');
      await a.http().patch('/products/9').send({ price }).expect(200);
      const [one, list] = await Promise.all([b.http().get('/products/9'), b.http().get('/products?limit=100')]);
      expect(one.body.price).toBe(price);
      expect(list.body.find((product: { id: number }) => product.id === 9).price).toBe(price);
    }
  });

  it('a write to one product leaves other products and other categories cached', async () => {
    const { body } = await a.http().get('/products/8');
    const others = ['/products/10', `/products?category=${body.category === 'books' ? 'toys' : 'books'}`];
    const touched = ['/products/8', '/products', `/products?category=${body.category}`];
    for (const path of [...others, ...touched]) await a.http().get(path);
    await a.http().patch('/products/8').send({ price: 3 }).expect(200);
    for (const path of others) expect(await status(a, path)).toContain('hit');
    for (const path of touched) expect(await status(a, path)).toContain('fwd=stale');
  });

  it('moving a product to another category renews the lists of both', async () => {
    const { body: before } = await a.http().get('/products/11');
    const to = before.category === 'food' ? 'toys' : 'food';
    const ids = async (category: string): Promise<number[]> =>
      (await b.http().get(`/products?category=${category}&limit=100`)).body.map((p: { id: number }) => p.id);
    expect(await ids(before.category)).toContain(11);
    expect(await ids(to)).not.toContain(11);
    await a.http().patch('/products/11').send({ category: to }).expect(200);
    expect(await ids(before.category)).not.toContain(11);
    expect(await ids(to)).toContain(11);
  });

  it('keeps a 404 for a short time, until the product is created', async () => {
    const { body } = await a.http().post('/products').send({ name: 'x', price: 1, category: 'toys' }).expect(201);
    await a.http().delete(`/products/${body.id}`).expect(204);
    const next = body.id + 1;
    const first = await b.http().get(`/products/${next}`).expect(404);
    const second = await b.http().get(`/products/${next}`).expect(404);
    expect(second.headers['cache-status']).toMatch(/hit; ttl=\d\d?;/);
    expect(second.body).toEqual({ ...first.body, correlationId: second.headers['x-request-id'] });
    await a.http().post('/products').send({ name: 'y', price: 1, category: 'toys' }).expect(201);
    await b.http().get(`/products/${next}`).expect(200);
  });

  it('a batch renews lists and forgets kept 404s', async () => {
    const { body } = await a.http().post('/products').send({ name: 'x', price: 1, category: 'toys' }).expect(201);
    await b
      .http()
      .get(`/products/${body.id + 1}`)
      .expect(404);
    await b.http().get('/products?category=toys&limit=100&sort=-id').expect(200);
    await a
      .http()
      .post('/products/batch')
      .send([{ name: 'batched', price: 1, category: 'toys' }])
      .expect(201);
    await b
      .http()
      .get(`/products/${body.id + 1}`)
      .expect(200);
    const list = await b.http().get('/products?category=toys&limit=100&sort=-id');
    expect(list.body[0].name).toBe('batched');
  });

  it('POST /products/{id}/invalidate drops product and lists, also for unknown ids', async () => {
    await b.http().get('/products/7');
    await b.http().get('/products?category=books');
    const answer = await a.http().post('/products/7/invalidate').expect(200);
    expect(answer.body).toEqual({ message: 'Cache invalidated for product 7' });
    expect(await status(b, '/products/7')).toContain('fwd=');
    expect(await status(b, '/products?category=books')).toContain('fwd=');
    await a.http().post('/products/987654/invalidate').expect(200, { message: 'Cache invalidated for product 987654' });
  });

  it('POST /cache/invalidate drops named tags and keys on every instance', async () => {
    await b.http().get('/products/21');
    await b.http().get('/products/22');
    await b.http().get('/products/23');
    const request = { tags: ['product:21'], keys: ['product?id=22'] };
    await a.http().post('/cache/invalidate').send(request).expect(200, request);
    expect(await status(b, '/products/21')).toContain('fwd=');
    expect(await status(b, '/products/22')).toContain('fwd=');
    expect(await status(b, '/products/23')).toContain('hit');
    // A list goes with each product that it shows, whatever its query.
    for (const limit of [30, 31]) await b.http().get(`/products?limit=${limit}`);
    await a
      .http()
      .post('/cache/invalidate')
      .send({ tags: ['product:31'] });
    expect(await status(b, '/products?limit=30')).toContain('hit');
    expect(await status(b, '/products?limit=31')).toContain('fwd=stale');
    for (const bad of [
      {},
      { tags: [] },
      { tags: [''] },
      { tags: 'x' },
      { tag: ['x'] },
      { keys: Array(1_001).fill('k') },
    ]) {
      await a.http().post('/cache/invalidate').send(bad).expect(400);
    }
  });

  it('GET /cache/entries/{key} explains an entry tier by tier, and counts as no read', async () => {
    await a.http().get('/products/24');
    const explain = async (service: Service, key: string) =>
      (
        await service
          .http()
          .get(`/cache/entries/${encodeURIComponent(key)}`)
          .expect(200)
      ).body;
    await eventually(async () => (await explain(a, 'product?id=24')).L2.state === 'fresh');
    const before = (await b.http().get('/cache/stats')).body;
    const told = await explain(b, 'product?id=24');
    expect(told).toMatchObject({
      key: 'product?id=24',
      L1: { state: 'absent' },
      L2: { state: 'fresh', negative: false, tags: ['product:24'], bytes: expect.any(Number) },
      versions: { 'product:24': { deleted: expect.any(Number), expired: expect.any(Number) } },
    });
    expect(told.L2.ttlMs).toBeGreaterThan(0);
    const after = (await b.http().get('/cache/stats')).body;
    expect([after.redis.hits, after.redis.misses]).toEqual([before.redis.hits, before.redis.misses]);
    await a.http().post('/products/24/invalidate').expect(200);
    expect((await explain(a, 'product?id=24')).L2.state).toBe('invalidated');
    expect(await explain(a, 'nothing')).toMatchObject({ L1: { state: 'absent' }, L2: { state: 'absent' } });
    await a
      .http()
      .get(`/cache/entries/${'x'.repeat(200_000)}`)
      .expect((answer) => expect([400, 404, 414, 431]).toContain(answer.status));
  });

  it('gives the same answers with the cache on and off', async () => {
    for (const path of [
      '/products',
      '/products/7',
      '/products?category=food&sort=-price',
      '/products/99999',
      '/products/x',
    ]) {
      const [warm, on, off] = [await a.http().get(path), await a.http().get(path), await uncached.http().get(path)];
      expect(warm.status).toBe(off.status);
      expect(on.status).toBe(off.status);
      const { correlationId: _a, ...answerOn } = on.body;
      const { correlationId: _b, ...answerOff } = off.body;
      expect(answerOn).toEqual(answerOff);
      expect(on.headers['x-total-count']).toBe(off.headers['x-total-count']);
      expect(on.headers['link']).toBe(off.headers['link']);
    }
    expect(await status(uncached, '/products/7')).toBe('strata; fwd=bypass; detail=disabled');
    await uncached.http().patch('/products/30').send({ price: 2 }).expect(200);
  });

  it('a product that looks like telejson survives L2 unchanged', async () => {
    const name = '_function_x|() => 1';
    const { body } = await a
      .http()
      .post('/products')
      .send({ name, price: 1, category: 'toys', description: '_date_1' });
    await a.http().get(`/products/${body.id}`);
    await settled();
    const read = await b.http().get(`/products/${body.id}`);
    expect(read.headers['cache-status']).toContain('detail=L2');
    expect(read.body).toMatchObject({ name, description: '_date_1' });
  });

  it('CACHE_MANAGER of @nestjs/cache-manager goes through the same tiers', async () => {
    const [cacheA, cacheB] = [a.app.get<Cache>(CACHE_MANAGER), b.app.get<Cache>(CACHE_MANAGER)];
    await cacheA.set('greeting', { text: '_function_y|() => 2' }, 60_000);
    expect(await cacheB.get('greeting')).toEqual({ text: '_function_y|() => 2' });
    expect(b.backend.cache('cache-manager').counters.remote.hits).toBe(1);
    await cacheA.set('greeting', 'new');
    expect(await cacheB.get('greeting')).toBe('new');
    await cacheA.del('greeting');
    expect(await cacheB.get('greeting')).toBeUndefined();
    const loader = jest.fn(async () => 5);
    expect(await cacheA.wrap('sum', loader, 60_000)).toBe(5);
    expect(await cacheB.wrap('sum', loader, 60_000)).toBe(5);
    expect(loader).toHaveBeenCalledTimes(1);
  });

  it('a request with Cache-Control: no-store is neither served from nor kept in the cache', async () => {
    const answer = await a.http().get('/products/40').set('cache-control', 'no-store').expect(200);
    expect(answer.headers['cache-status']).toBe('strata; fwd=bypass; detail=no-store');
    expect(await status(a, '/products/40')).toContain('uri-miss');
  });
});
