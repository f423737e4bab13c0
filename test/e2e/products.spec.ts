import { seed } from '../../apps/api/src/database/seeder';
import { createDatabase } from '../support/database';
import { startService, type Service } from '../support/service';

describe('products', () => {
  let service: Service;
  let database: Awaited<ReturnType<typeof createDatabase>>;

  beforeAll(async () => {
    database = await createDatabase();
    service = await startService({ database: database.url, env: { WRITE_RATE_LIMIT: '0' } });
  });

  afterAll(async () => {
    await service.close();
    await database.drop();
  });

  const KEYS = ['id', 'name', 'description', 'price', 'category', 'inStock', 'createdAt', 'updatedAt'];
  const sample = { name: 'Lamp', price: 12.34, category: 'books' };

  it('seeds ids 1 to 100 into an empty database', async () => {
    const { body, headers } = await service.http().get('/products?limit=100').expect(200);
    expect(body.map((product: { id: number }) => product.id)).toEqual(Array.from({ length: 100 }, (_, i) => i + 1));
    expect(headers['x-total-count']).toBe('100');
  });

  it('shows a product with exactly the documented fields', async () => {
    const { body } = await service
      .http()
      .get('/products/7')
      .expect(200)
      .expect('content-type', /^application\/json/);
    expect(Object.keys(body)).toEqual(KEYS);
    expect(body).toMatchObject({ id: 7, price: expect.any(Number), inStock: expect.any(Boolean) });
    expect(body.createdAt).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
  });

  it('answers a bare array of 20 with links to the other pages', async () => {
    const { body, headers } = await service.http().get('/products?category=books&limit=5&offset=5').expect(200);
    expect(Array.isArray(body)).toBe(true);
    expect(body).toHaveLength(5);
    expect(headers['x-total-count']).toBe('20');
    const relations = Object.fromEntries(
      headers['link']!.split(', ').map((link) => [/rel="(\w+)"/.exec(link)![1]!, /<([^>]+)>/.exec(link)![1]!]),
    );
    expect(Object.keys(relations)).toEqual(['first', 'prev', 'next', 'last']);
    const next = await service.http().get(relations['next']!).expect(200);
    expect(next.body[0].id).toBeGreaterThan(body[4].id);
    const last = await service.http().get(relations['last']!).expect(200);
    expect(last.body).toHaveLength(5);
    expect(last.headers['link']).not.toContain('rel="next"');
  });

  it.each([
    ['price', (p: Row) => p.price],
    ['-price', (p: Row) => -p.price],
    ['id', (p: Row) => p.id],
    ['-id', (p: Row) => -p.id],
    ['createdAt', (p: Row) => p.id],
  ])('orders by %s with ties broken by id', async (sort, rank) => {
    const { body } = await service.http().get(`/products?sort=${sort}&limit=100`).expect(200);
    const ranks = (body as Row[]).map(rank);
    expect(ranks).toEqual([...ranks].sort((a, b) => a - b));
    const pages = await Promise.all(
      [0, 25, 50, 75].map((offset) => service.http().get(`/products?sort=${sort}&limit=25&offset=${offset}`)),
    );
    expect(pages.flatMap((page) => page.body)).toEqual(body);
  });

  it('filters by price, stock and text, with wildcards taken literally', async () => {
    const { body: cheap } = await service.http().get('/products?minPrice=100&maxPrice=900&inStock=true&limit=100');
    expect(cheap.length).toBeGreaterThan(0);
    for (const product of cheap as Row[]) {
      expect(product.price).toBeGreaterThanOrEqual(100);
      expect(product.price).toBeLessThanOrEqual(900);
      expect(product.inStock).toBe(true);
    }
    const { body: created } = await service
      .http()
      .post('/products')
      .send({ ...sample, name: '50%_off' })
      .expect(201);
    const { body: found } = await service.http().get('/products?search=50%25_OFF').expect(200);
    expect(found.map((product: Row) => product.id)).toEqual([created.id]);
    const { body: none } = await service.http().get('/products?search=%25%25%25').expect(200);
    expect(none).toEqual([]);
    await service.http().delete(`/products/${created.id}`).expect(204);
  });

  it('creates, replaces, changes and deletes', async () => {
    const created = await service.http().post('/products').send(sample).expect(201);
    const { id } = created.body;
    expect(created.headers['location']).toBe(`/products/${id}`);
    expect(created.body).toMatchObject({ ...sample, description: '', inStock: true });
    const changed = await service.http().patch(`/products/${id}`).send({ price: 0.1 }).expect(200);
    expect(changed.body).toMatchObject({ id, name: 'Lamp', price: 0.1, createdAt: created.body.createdAt });
    expect(changed.body.updatedAt >= created.body.updatedAt).toBe(true);
    const replaced = await service
      .http()
      .put(`/products/${id}`)
      .send({ ...sample, price: 9_999_999.99 })
      .expect(200);
    expect(replaced.body).toMatchObject({ price: 9_999_999.99, description: '', inStock: true });
    await service.http().delete(`/products/${id}`).expect(204).expect('');
    await service.http().get(`/products/${id}`).expect(404);
    await service.http().put(`/products/${id}`).send(sample).expect(404);
    await service.http().patch(`/products/${id}`).send({ price: 1 }).expect(404);
    await service.http().delete(`/products/${id}`).expect(404);
  });

  it.each([0.1, 0.07, 1.1, 19.99, 1_234_567.89, 9_999_999.99, 0])('keeps the price %d exactly', async (price) => {
    const { body } = await service
      .http()
      .post('/products')
      .send({ ...sample, price })
      .expect(201);
    const read = await service.http().get(`/products/${body.id}`).expect(200);
    expect(read.body.price).toBe(price);
    await service.http().delete(`/products/${body.id}`).expect(204);
  });

  it('creates a batch in the order of the input, or nothing at all', async () => {
    const { body } = await service
      .http()
      .post('/products/batch')
      .send([sample, { ...sample, name: 'Second' }])
      .expect(201);
    expect(body.ids).toHaveLength(2);
    const second = await service.http().get(`/products/${body.ids[1]}`).expect(200);
    expect(second.body.name).toBe('Second');
    const before = await service.source.query('SELECT count(*) FROM products');
    const refused = await service
      .http()
      .post('/products/batch')
      .send([sample, { ...sample, price: -1 }])
      .expect(400);
    expect(refused.body.errors).toEqual([{ path: '1.price', message: 'must not be negative' }]);
    expect(await service.source.query('SELECT count(*) FROM products')).toEqual(before);
    await service.http().post('/products/batch').send(Array(1_001).fill(sample)).expect(400);
    await service.http().post('/products/batch').send([]).expect(400);
  });

  it('answers HEAD like GET without a body', async () => {
    const get = await service.http().get('/products/7').expect(200);
    const head = await service.http().head('/products/7').expect(200);
    expect(head.text ?? '').toBe('');
    expect(head.headers['content-length']).toBe(get.headers['content-length']);
    const list = await service.http().head('/products').expect(200);
    expect(list.headers['x-total-count']).toMatch(/^\d+$/);
  });

  it('seeding again neither doubles nor changes rows, and resetting starts at 1', async () => {
    expect(await seed(service.source, { count: 50 })).toBe(0);
    expect(await seed(service.source, { count: 130, reset: true })).toBe(130);
    expect(await service.source.query('SELECT min(id)::int, max(id)::int FROM products')).toEqual([
      { min: 1, max: 130 },
    ]);
    expect(await seed(service.source, { count: 130 })).toBe(0);
  });
});

interface Row {
  id: number;
  price: number;
  inStock: boolean;
}
