import { createDatabase } from '../support/database';
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
    await send(service, 'GET', '/health/ready', undefined, { 'x-request-id': 'last' });
    await eventually(() => lines(service).some(({ requestId }) => requestId === 'last'));
    expect(lines(service).length).toBeGreaterThan(10);
    for (const secret of SECRETS) expect([secret, service.output.includes(secret)]).toEqual([secret, false]);
  });

  it('changes the level of its log while it runs, for those with the token', async () => {
    const service = await start({ LOG_LEVEL: 'warn' });
    const asked = async (id: string) => {
      await send(service, 'GET', '/products/1', undefined, { 'x-request-id': id });
      await send(service, 'PUT', '/log-level', { level: 'warn' });
      const mark = service.output.length;
      await eventually(() => service.output.length >= mark);
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

  it('tells a balancer to go elsewhere before it stops listening, answers the rest, and ends with 0', async () => {
    const service = await start({ SHUTDOWN_DRAIN: '2s' });
    expect((await send(service, 'GET', '/products/1')).headers.get('connection')).not.toBe('close');
    const ended = service.stop();
    const refused = await eventually(async () => {
      const answer = await send(service, 'GET', '/products/1');
      return answer.status === 503 && answer;
    });
    expect((refused as Response).headers.get('connection')).toBe('close');
    expect((refused as Response).headers.get('retry-after')).toBe('1');
    expect((await send(service, 'GET', '/health/ready')).status).toBe(503);
    expect((await send(service, 'GET', '/health/live')).status).toBe(200);
    const written = await send(service, 'POST', '/products', { name: 'Last one', price: 1, category: 'books' });
    expect([written.status, written.headers.get('connection')]).toEqual([201, 'close']);
    await expect(ended).resolves.toBe(0);
    running.length = 0;
  });
});
