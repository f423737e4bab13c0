import { once } from 'node:events';
import { STATUS_CODES } from 'node:http';
import { connect } from 'node:net';
import { text } from 'node:stream/consumers';
import { gzipSync } from 'node:zlib';
import { Logger } from '@nestjs/common';
import { createDatabase } from '../support/database';
import { eventually } from '../support/eventually';
import { startService, type Service } from '../support/service';

describe('bad input', () => {
  let service: Service;
  let database: Awaited<ReturnType<typeof createDatabase>>;
  let rowsBefore: unknown;
  const logged = jest.spyOn(Logger.prototype, 'error');

  beforeAll(async () => {
    database = await createDatabase();
    service = await startService({ database: database.url, env: { WRITE_RATE_LIMIT: '0' } });
    rowsBefore = await rows();
  });

  afterEach(async () => {
    expect(logged).not.toHaveBeenCalled();
    expect(await rows()).toEqual(rowsBefore);
  });

  afterAll(async () => {
    await service.close();
    await database.drop();
  });

  const rows = (): Promise<unknown> =>
    service.source.query('SELECT md5(array_agg(p ORDER BY id)::text) FROM products p');
  const product = { name: 'Lamp', price: 12.34, category: 'books' };

  /** Every refusal is a problem document under the request's own id. */
  function expectProblem(response: {
    status: number;
    body: Record<string, unknown>;
    headers: Record<string, string>;
  }): void {
    expect(response.headers['content-type']).toMatch(/^application\/problem\+json/);
    expect(response.body).toMatchObject({
      type: expect.any(String),
      title: expect.any(String),
      status: response.status,
      detail: expect.any(String),
      instance: expect.stringMatching(/^\//),
      correlationId: response.headers['x-request-id'],
    });
  }

  it.each([
    ['/products/0', 'id'],
    ['/products/abc', 'id'],
    ['/products/1.5', 'id'],
    ['/products/-1', 'id'],
    ['/products/2147483648', 'id'],
    ['/products/99999999999999999999', 'id'],
    ['/products/%00', 'id'],
    ['/products/7%20', 'id'],
    [`/products/${'9'.repeat(600)}`, 'id'],
    ['/products?limit=-5', 'limit'],
    ['/products?limit=0', 'limit'],
    ['/products?limit=1000000000', 'limit'],
    ['/products?limit=ten', 'limit'],
    ['/products?limit=', 'limit'],
    ['/products?offset=-1', 'offset'],
    ['/products?offset=1.5', 'offset'],
    ['/products?sort=price;drop', 'sort'],
    ['/products?sort=constructor', 'sort'],
    ['/products?inStock=maybe', 'inStock'],
    ['/products?minPrice=abc', 'minPrice'],
    ['/products?maxPrice=1e9', 'maxPrice'],
    ['/products?category=Books!', 'category'],
    ['/products?search=', 'search'],
    ['/products?search=a%00b', 'search'],
    ['/products?colour=red', 'colour'],
    ['/products?__proto__=1', '__proto__'],
    ['/products?limit=1&limit=2', 'limit'],
    ['/products?category=books&category=toys', 'category'],
  ])('GET %s names %s', async (path, field) => {
    const response = await service.http().get(path).expect(400);
    expectProblem(response);
    expect(response.body.errors.map((error: { path: string }) => error.path)).toContain(field);
    expect(response.headers['cache-status']).toContain('fwd=bypass');
  });

  it('lists every problem of a request at once', async () => {
    const { body } = await service.http().get('/products?limit=0&offset=-1&x=1').expect(400);
    expect(body.errors.map((error: { path: string }) => error.path).sort()).toEqual(['limit', 'offset', 'x']);
  });

  it.each([
    ['a negative price', { ...product, price: -1 }, 'price'],
    ['a price in quotes', { ...product, price: '12' }, 'price'],
    ['a price of null', { ...product, price: null }, 'price'],
    ['three decimals', { ...product, price: 1.005 }, 'price'],
    ['a price over the limit', { ...product, price: 10_000_000 }, 'price'],
    ['a name of 201 characters', { ...product, name: 'x'.repeat(201) }, 'name'],
    ['an empty name', { ...product, name: '' }, 'name'],
    ['a NUL in the name', { ...product, name: 'a\0b' }, 'name'],
    ['a lone surrogate', { ...product, name: 'a\ud800' }, 'name'],
    ['a description over 5000', { ...product, description: 'x'.repeat(5_001) }, 'description'],
    ['a bad category', { ...product, category: 'Two Words' }, 'category'],
    ['a stock that is no boolean', { ...product, inStock: 1 }, 'inStock'],
    ['an unknown field', { ...product, id: 5 }, 'id'],
    ['a missing name', { price: 1, category: 'books' }, 'name'],
  ])('POST with %s names the field', async (_what, body, field) => {
    const response = await service.http().post('/products').send(body).expect(400);
    expectProblem(response);
    expect(response.body.errors.map((error: { path: string }) => error.path)).toContain(field);
  });

  it.each([
    ['a price of 1e400', '{"name":"a","category":"b","price":1e400}'],
    ['NaN', '{"name":"a","category":"b","price":NaN}'],
    ['no JSON', 'hello'],
    ['half of a JSON document', '{"name":'],
    ['an array', '[]'],
    ['null', 'null'],
    ['a string', '"x"'],
    ['nothing at all', ''],
    ['a prototype', '{"__proto__":{"x":1},"name":"a","price":1,"category":"b"}'],
  ])('POST with %s is 400', async (_what, text) => {
    const response = await service
      .http()
      .post('/products')
      .set('content-type', 'application/json')
      .send(text)
      .expect(400);
    expectProblem(response);
  });

  it.each(['text/plain', 'application/x-www-form-urlencoded', 'application/xml', 'multipart/form-data; boundary=x'])(
    'POST as %s is 415',
    async (type) => {
      const response = await service.http().post('/products').set('content-type', type).send('name=a').expect(415);
      expectProblem(response);
      expect(response.body.detail).toContain('application/json');
    },
  );

  it('a body over 1 MiB is 413', async () => {
    const response = await service
      .http()
      .post('/products')
      .send({ ...product, description: 'x'.repeat(1_048_577) });
    expect(response.status).toBe(413);
    expectProblem(response);
  });

  it('a compressed body is 415 and names what is taken', async () => {
    const body = gzipSync(JSON.stringify(product));
    const post = service.http().post('/products').set('content-type', 'application/json');
    const response = await post.set('content-encoding', 'gzip').send(body).expect(415);
    expectProblem(response);
    expect(response.headers['accept-encoding']).toBe('identity');
    // Of a request without a body it says nothing.
    await service.http().get('/products/7').set('content-encoding', 'gzip').expect(200);
  });

  it.each([
    ['a header that is too large', `GET / HTTP/1.1\r\nhost: a\r\nx: ${'x'.repeat(20_000)}\r\n\r\n`, 431],
    ['a length that is none', 'POST /products HTTP/1.1\r\nhost: a\r\ncontent-length: x\r\n\r\n', 400],
    ['something else than HTTP', 'EHLO mail.example\r\n\r\n', 400],
  ])('%s is a problem too', async (_what, message, status) => {
    const socket = connect(Number(new URL(service.url).port), '127.0.0.1');
    socket.write(message);
    const [head, body] = (await text(socket)).split('\r\n\r\n');
    const response = new Response(body, {
      status,
      headers: head!
        .split('\r\n')
        .slice(1)
        .map((line) => line.split(': ') as [string, string]),
    });
    expect(head).toMatch(new RegExp(`^HTTP/1\\.1 ${status} `));
    expect(response.headers.get('content-type')).toMatch(/^application\/problem\+json/);
    expect(Number(response.headers.get('content-length'))).toBe(body!.length);
    expect(await response.json()).toEqual({
      type: 'about:blank',
      title: STATUS_CODES[status],
      status,
      detail: expect.stringMatching(/\w+ \w+/),
      correlationId: response.headers.get('x-request-id'),
    });
  });

  it('a client that keeps its half of a refused connection open does not keep ours', async () => {
    const server = service.app.getHttpServer();
    const count = () =>
      new Promise<number>((resolve, reject) =>
        server.getConnections((error, n) => (error ? reject(error) : resolve(n))),
      );
    const before = await count();
    const socket = connect({ port: Number(new URL(service.url).port), host: '127.0.0.1', allowHalfOpen: true });
    socket.write('nothing\r\n\r\n');
    await text(socket);
    await eventually(async () => (await count()) <= before);
    socket.destroy();
  });

  it('a malformed message behind another request ends the connection, and is told when that one has its answer', async () => {
    const open = () => connect(Number(new URL(service.url).port), '127.0.0.1').on('error', () => undefined);
    const [good, bad] = ['GET /health/live HTTP/1.1\r\nhost: a\r\n\r\n', 'nothing\r\n\r\n'];
    const patient = open();
    patient.write(good);
    await once(patient, 'readable');
    // Another round trip: by then Node has done with the first answer.
    await service.http().get('/health/live').expect(200);
    patient.write(bad);
    expect((await text(patient)).match(/HTTP\/1.1 \d+/g)).toEqual(['HTTP/1.1 200', 'HTTP/1.1 400']);

    const hasty = open();
    hasty.write(good + bad);
    expect(await text(hasty)).not.toMatch(/HTTP\/1.1 400/);
  });

  it.each([
    ['put', '/products', 'GET, HEAD, POST'],
    ['post', '/products/7', 'DELETE, GET, HEAD, PATCH, PUT'],
    ['delete', '/cache/stats', 'GET, HEAD'],
    ['get', '/products/7/invalidate', 'POST'],
  ] as const)('%s %s is 405 and names what is possible', async (method, path, allow) => {
    const response = await service.http()[method](path);
    expect(response.status).toBe(405);
    expect(response.headers['allow']).toBe(allow);
    expectProblem(response);
  });

  it('an unknown path is 404', async () => {
    expectProblem(await service.http().get('/nowhere').expect(404));
  });

  it('a path that cannot be decoded is 400', async () => {
    expectProblem(await service.http().get('/products/%zz').expect(400));
  });

  it('an empty change is refused', async () => {
    const response = await service.http().patch('/products/7').send({}).expect(400);
    expect(response.body.detail).toContain('at least one field');
  });

  it('takes over a sane request id and replaces any other', async () => {
    const sane = await service.http().get('/products/7').set('x-request-id', 'abc-123');
    expect(sane.headers['x-request-id']).toBe('abc-123');
    for (const odd of ['a b', 'x'.repeat(65), 'a;b', '{}']) {
      const response = await service.http().get('/products/7').set('x-request-id', odd);
      expect(response.headers['x-request-id']).toMatch(/^[0-9a-f-]{36}$/);
    }
  });
});
