import { createDatabase } from '../support/database';
import { startService, type Service } from '../support/service';

describe('HTTP caching of the products API', () => {
  let database: Awaited<ReturnType<typeof createDatabase>>;
  let service: Service;
  const token = 'a-token-for-this-test';
  const admin = { authorization: `Bearer ${token}` };

  beforeAll(async () => {
    database = await createDatabase();
    const env = { WRITE_RATE_LIMIT: '0', ADMIN_TOKEN: token };
    service = await startService({ database: database.url, env });
  });

  beforeEach(() => service.http().delete('/cache').set(admin).expect(204));

  afterAll(async () => {
    await service.close();
    await database.drop();
  });

  it('product data is revalidated by default, and mostly costs a 304', async () => {
    const { headers } = await service.http().get('/products/7').expect(200);
    expect(headers['cache-control']).toBe('no-cache');
    expect(headers['cache-groups']).toBe('"product:7"');
    const loads = async (): Promise<number> => (await service.http().get('/cache/stats')).body.loads.count;
    const before = await loads();
    const again = await service.http().get('/products/7').set('if-none-match', headers['etag']!).expect(304);
    expect(again.headers['cache-status']).toMatch(/^strata; hit/);
    expect(await loads()).toBe(before);
    await service.http().patch('/products/7').set(admin).send({ price: 1.5 }).expect(200);
    await service.http().get('/products/7').set('if-none-match', headers['etag']!).expect(200);
  });

  it('a 304 of a list repeats its validators and groups, and not its body', async () => {
    const path = '/products?category=books&limit=5';
    const { headers } = await service.http().get(path).expect(200);
    const { headers: of304, text } = await service.http().get(path).set('if-none-match', headers['etag']!).expect(304);
    expect(text).toBe('');
    expect(of304['etag']).toBe(headers['etag']);
    expect(of304['vary']).toContain('accept-encoding');
  });

  describe('If-Match', () => {
    const write = (method: 'put' | 'patch' | 'delete', id: number, ifMatch: string) =>
      service.http()[method](`/products/${id}`).set(admin).set('if-match', ifMatch);
    const tagOf = async (id: number, coding = 'identity'): Promise<string> =>
      (await service.http().get(`/products/${id}`).set('accept-encoding', coding)).headers['etag']!;

    it('lets one of two writers with the same state through', async () => {
      const tag = await tagOf(21);
      const answers = await Promise.all([1, 2].map((price) => write('patch', 21, tag).send({ price })));
      expect(answers.map(({ status }) => status).sort()).toEqual([200, 412]);
      const refused = answers.find(({ status }) => status === 412)!;
      expect(refused.headers['content-type']).toContain('application/problem+json');
      expect(refused.body.detail).toContain('read it again');
    });

    it('is compared with the database, never with a cache', async () => {
      const tag = await tagOf(22);
      await service.source.query('UPDATE products SET price = price + 1 WHERE id = 22');
      expect(await tagOf(22)).toBe(tag);
      await write('patch', 22, tag).send({ price: 3 }).expect(412);
    });

    it('takes the tag of any encoding, and no weak one', async () => {
      const description = 'long '.repeat(400);
      await service.http().patch('/products/23').set(admin).send({ description }).expect(200);
      const tag = await tagOf(23, 'gzip');
      expect(tag).toMatch(/-gzip"$/);
      await write('patch', 23, `W/${tag}`).send({ price: 4 }).expect(412);
      await write('patch', 23, tag).send({ price: 5 }).expect(200);
    });

    it('If-None-Match keeps a write from what it does not want to replace', async () => {
      const tag = await tagOf(24);
      for (const none of ['*', tag, `W/${tag}`, `"other", ${tag}`]) {
        for (const method of ['put', 'patch', 'delete'] as const) {
          const body = { name: 'n', price: 1, category: 'toys' };
          const asked = service.http()[method]('/products/24').set(admin).set('if-none-match', none);
          await (method === 'delete' ? asked : asked.send(body)).expect(412);
        }
      }
      expect(await tagOf(24)).toBe(tag);
      const other = service.http().patch('/products/24').set(admin).set('if-none-match', '"other"');
      await other.send({ price: 7 }).expect(200);
    });

    it('a write answers with the tag of what it has written, for the write after it', async () => {
      const product = { name: 'n', price: 1, category: 'toys' };
      const created = await service.http().post('/products').set(admin).send(product).expect(201);
      const { id } = created.body as { id: number };
      const changed = await write('patch', id, created.headers['etag']!).send({ price: 2 }).expect(200);
      expect(changed.headers['etag']).toBe(await tagOf(id));
      const replaced = await write('put', id, changed.headers['etag']!)
        .send({ ...product, price: 3 })
        .expect(200);
      await write('patch', id, changed.headers['etag']!).send({ price: 4 }).expect(412);
      await write('delete', id, replaced.headers['etag']!).expect(204);
    });

    it('* means that it exists', async () => {
      await write('patch', 24, '*').send({ price: 6 }).expect(200);
      await write('delete', 24, '"other"').expect(412);
      await write('delete', 24, '*').expect(204);
      await write('delete', 24, '*').expect(404);
      await write('put', 25, 'nonsense').send({ name: 'n', price: 1, category: 'toys' }).expect(412);
    });
  });

  it('no-cache forces a load with the admin token only', async () => {
    await service.http().get('/products/8');
    const status = async (headers: Record<string, string>) =>
      (await service.http().get('/products/8').set(headers)).headers['cache-status'];
    expect(await status({ 'cache-control': 'no-cache' })).toMatch(/; hit/);
    expect(await status({ 'cache-control': 'no-cache', authorization: 'Bearer wrong' })).toMatch(/; hit/);
    expect(await status({ 'cache-control': 'max-age=0', ...admin })).toBe('strata; fwd=request; stored');
  });

  it('only-if-cached is 504 on a miss, as a problem document', async () => {
    const miss = await service.http().get('/products/9').set('cache-control', 'only-if-cached').expect(504);
    expect(miss.headers['content-type']).toContain('application/problem+json');
    await service.http().get('/products/9').expect(200);
    await service.http().get('/products/9').set('cache-control', 'only-if-cached').expect(200);
  });

  it('a write names the groups that it has invalidated', async () => {
    const { headers } = await service.http().patch('/products/10').set(admin).send({ price: 2 }).expect(200);
    expect(headers['cache-group-invalidation']).toContain('"product:10"');
  });

  it('nobody on the way may keep what is true for a moment only', async () => {
    for (const path of ['/cache/stats', '/health', '/health/ready']) {
      expect((await service.http().get(path)).headers['cache-control']).toBe('no-store');
    }
  });

  it('forwarded names are reflected nowhere', async () => {
    const names = [
      'x-forwarded-host',
      'x-forwarded-proto',
      'x-forwarded-prefix',
      'x-original-url',
      'forwarded',
      'host',
    ];
    const evil = Object.fromEntries(names.map((name) => [name, 'evil.example']));
    const first = await service.http().get('/products?search=a&limit=2').set(evil).expect(200);
    const next = await service.http().get('/products?search=a&limit=2').expect(200);
    expect(next.headers['cache-status']).toContain('hit');
    expect(JSON.stringify([first.headers, first.body, next.headers, next.body])).not.toContain('evil');
  });

  it('Swagger shows 304, 412 and the caching headers', async () => {
    const { paths } = (await service.http().get('/docs-json')).body;
    const { responses, parameters } = paths['/products/{id}'].get;
    expect(Object.keys(responses['200'].headers)).toEqual(
      expect.arrayContaining(['ETag', 'Age', 'Vary', 'Cache-Control', 'Cache-Groups', 'Cache-Status']),
    );
    expect(Object.keys(responses)).toContain('304');
    expect(parameters.map(({ name }: { name: string }) => name)).toEqual(expect.arrayContaining(['If-None-Match']));
    for (const method of ['put', 'patch', 'delete'])
      expect(Object.keys(paths['/products/{id}'][method].responses)).toContain('412');
  });
});
