import { administer, createDatabase } from '../support/database';
import { eventually } from '../support/eventually';
import { RedisServer } from '../support/redis-server';
import { ServiceProcess } from '../support/service-process';

const TOKEN = 'a-secret-token-of-the-admin';
const SECRETS = ['Very Private Lamp', 'private-search', TOKEN, 'someone@example.com', 'session=abc123', 'hunter2'];

describe('a process in production', () => {
  let redis: RedisServer;
  let database: Awaited<ReturnType<typeof createDatabase>>;
  const running: ServiceProcess[] = [];

  beforeAll(async () => {
    redis = await RedisServer.start();
    await redis.command((client) => client.config('SET', 'requirepass', 'hunter2'));
    database = await createDatabase();
  });

  afterEach(async () => {
    for (const service of running.splice(0)) await service.kill();
  });

  afterAll(async () => {
    await redis.stop();
    await database.drop();
  });

  async function start(env: Record<string, string> = {}): Promise<ServiceProcess> {
    const service = await ServiceProcess.start({
      NODE_ENV: 'production',
      DATABASE_URL: database.url,
      DATABASE_MIGRATE: 'true',
      REDIS_URL: `redis://:hunter2@127.0.0.1:${redis.port}`,
      ADMIN_TOKEN: TOKEN,
      CACHE_LEASE_MS: '500',
      ...env,
    });
    running.push(service);
    return service;
  }

  const send = (service: ServiceProcess, method: string, path: string, body?: object, headers = {}) =>
    fetch(service.url + path, {
      method,
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      headers: { authorization: `Bearer ${TOKEN}`, 'content-type': 'application/json', ...headers },
    });
  const lines = (service: ServiceProcess) =>
    service.output
      .split('\n')
      .filter((line) => line !== '')
      .map((line) => JSON.parse(line) as Record<string, unknown>);

  it('logs one JSON object a line: who asked, by request id and template, and what the cache did', async () => {
    const service = await start({ LOG_LEVEL: 'debug' });
    const created = await send(service, 'POST', '/products', { name: SECRETS[0], price: 1, category: 'books' });
    const { id } = (await created.json()) as { id: number };
    await send(service, 'GET', `/products/${id}`, undefined, { 'x-request-id': 'first' });
    await send(service, 'GET', `/products/${id}`, undefined, { 'x-request-id': 'second' });
    await send(service, 'GET', '/nowhere', undefined, { 'x-request-id': 'third' });
    await eventually(() => lines(service).some(({ requestId }) => requestId === 'third'));
    const of = (id: string) => lines(service).find(({ requestId }) => requestId === id);
    expect(lines(service).find(({ msg }) => String(msg).startsWith('Strata is ready at'))).toMatchObject({
      level: 'info',
      service: 'strata',
    });
    const shared = { level: 'debug', context: 'Request', method: 'GET', route: '/products/:id', status: 200 };
    expect(of('first')).toMatchObject({ ...shared, cache: expect.stringMatching(/fwd=uri-miss; stored/) as string });
    expect(of('second')).toMatchObject({ ...shared, cache: expect.stringMatching(/hit; .*detail=L1/) as string });
    expect(of('second')!['ms']).toBeGreaterThan(0);
    expect(of('third')).toMatchObject({ route: 'unknown', status: 404 });
    expect(of('third')!['cache']).toBeUndefined();
  });

  it('writes no value, key, query, header or secret of anybody, whatever goes wrong (negative test 45)', async () => {
    const service = await start({ LOG_LEVEL: 'verbose' });
    const headers = { cookie: SECRETS[4]!, from: SECRETS[3]! };
    const body = { name: SECRETS[0], price: 1, category: 'books' };
    const created = await send(service, 'POST', '/products', body, headers);
    const { id } = (await created.json()) as { id: number };
    for (const path of [`/products/${id}`, `/products?search=${SECRETS[1]}`, '/products?search=%00', `/${SECRETS[1]}`])
      await send(service, 'GET', path, undefined, headers);
    await send(service, 'PATCH', `/products/${id}`, { name: SECRETS[0], price: -1 }, headers);
    await send(service, 'PATCH', `/products/${id}`, { price: 3 }, { ...headers, authorization: 'Bearer hunter2' });
    await send(service, 'POST', '/cache/invalidate', { tags: [SECRETS[1]], keys: [SECRETS[1]] }, headers);
    await send(service, 'GET', `/cache/entries/${SECRETS[1]}`, undefined, headers);
    process.kill(redis.processId, 'SIGSTOP');
    await send(service, 'PATCH', `/products/${id}`, { name: SECRETS[0], price: 4 }, headers);
    process.kill(redis.processId, 'SIGCONT');
    // A failure that nobody has thought of: the table is gone.
    await administer(database.url, 'ALTER TABLE products RENAME TO elsewhere');
    const failed = await send(service, 'POST', '/products', body, { ...headers, 'x-request-id': 'failing' });
    await administer(database.url, 'ALTER TABLE elsewhere RENAME TO products');
    expect(failed.status).toBe(500);
    await send(service, 'GET', '/health/ready', undefined, { 'x-request-id': 'last' });
    await eventually(() => lines(service).some(({ requestId }) => requestId === 'last'));
    expect(lines(service).length).toBeGreaterThan(10);
    const told = lines(service).find(({ requestId, level }) => requestId === 'failing' && level === 'error');
    expect(told).toMatchObject({ context: 'Http', method: 'POST', route: '/products' });
    expect(told!['stack']).toMatch(/\n\s+at /);
    for (const secret of SECRETS) expect([secret, service.output.includes(secret)]).toEqual([secret, false]);
  });

  it('changes the level of its log while it runs, for those with the token', async () => {
    const service = await start({ LOG_LEVEL: 'warn' });
    const asked = async (id: string) => {
      await send(service, 'GET', '/products/1', undefined, { 'x-request-id': id });
      await send(service, 'PUT', '/log-level', { level: 'warn' });
      // The line of the change comes after whatever that request has written.
      await eventually(() => lines(service).filter(({ context }) => context === 'LogLevel').length > 0);
      return lines(service).some(({ requestId }) => requestId === id);
    };
    await expect((await send(service, 'GET', '/log-level')).json()).resolves.toEqual({ level: 'warn' });
    await expect(asked('quiet')).resolves.toBe(false);
    const changed = await send(service, 'PUT', '/log-level', { level: 'debug' });
    await expect(changed.json()).resolves.toEqual({ level: 'debug' });
    await send(service, 'GET', '/products/1', undefined, { 'x-request-id': 'loud' });
    await eventually(() => lines(service).some(({ requestId }) => requestId === 'loud'));
    expect((await send(service, 'PUT', '/log-level', { level: 'loud' })).status).toBe(400);
    expect((await send(service, 'PUT', '/log-level', { level: 'log' }, { authorization: 'Bearer no' })).status).toBe(
      401,
    );
    await expect((await send(service, 'GET', '/log-level')).json()).resolves.toEqual({ level: 'debug' });
  });

  const stopping = async (service: ServiceProcess) => {
    const ended = service.stop();
    await eventually(async () => (await send(service, 'GET', '/health/ready')).status === 503);
    return ended;
  };
  const body = { name: 'Last one', price: 1, category: 'books' };

  it('tells a balancer by its readiness before it stops listening, answers everything, and ends with 0', async () => {
    const service = await start({ SHUTDOWN_DRAIN: '3s' });
    expect((await send(service, 'GET', '/products/1')).headers.get('connection')).not.toBe('close');
    const ended = stopping(service);
    await eventually(async () => (await send(service, 'GET', '/health/ready')).status === 503);
    const answers = [
      await send(service, 'GET', '/products?limit=1'),
      await send(service, 'POST', '/products', body),
      await send(service, 'GET', '/health/live'),
    ];
    expect(answers.map(({ status }) => status)).toEqual([200, 201, 200]);
    for (const { headers } of answers) expect(headers.get('connection')).toBe('close');
    await expect(ended).resolves.toBe(0);
    running.length = 0;
  });

  it('refuses what a balancer sends elsewhere by itself, where it is told to, and nothing else', async () => {
    const service = await start({ SHUTDOWN_DRAIN: '3s', SHUTDOWN_REFUSE: 'true' });
    const ended = stopping(service);
    await eventually(async () => (await send(service, 'GET', '/products/1')).status === 502);
    for (const method of ['GET', 'PUT', 'DELETE']) {
      const answer = await send(service, method, '/products/1', method === 'PUT' ? body : undefined);
      expect([method, answer.status, answer.headers.get('connection')]).toEqual([method, 502, 'close']);
    }
    for (const path of ['/health/live', '/metrics']) expect((await send(service, 'GET', path)).status).toBe(200);
    expect((await send(service, 'POST', '/products', body)).status).toBe(201);
    await expect(ended).resolves.toBe(0);
    running.length = 0;
  });
});
