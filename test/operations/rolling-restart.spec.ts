import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Pool } from 'undici';
import { parse } from 'yaml';
import { findExecutable } from '../../apps/api/src/embedded/find-executable';
import { freePort } from '../../apps/api/src/embedded/free-port';
import { TetheredProcess } from '../../apps/api/src/embedded/tethered-process';
import { createDatabase } from '../support/database';
import { eventually } from '../support/eventually';
import { RedisServer } from '../support/redis-server';
import { ServiceProcess } from '../support/service-process';

const ROOT = join(__dirname, '../..');
const CONFIGURATION = join(ROOT, 'docker/nginx/nginx.conf');
const compose = parse(readFileSync(join(ROOT, 'docker-compose.yml'), 'utf8'), { merge: true }) as {
  services: { 'api-1': { environment: Record<string, string> } };
};
const TOKEN = 'a-token-for-the-balancer';
/** Who comes through a proxy is not trusted for being near. */
const HEADERS = { 'content-type': 'application/json', authorization: `Bearer ${TOKEN}` };

describe('a rolling restart behind nginx with the configuration of the repository', () => {
  const folder = mkdtempSync(join(tmpdir(), 'strata-nginx-'));
  const services: ServiceProcess[] = [];
  let redis: RedisServer;
  let database: Awaited<ReturnType<typeof createDatabase>>;
  let nginx: TetheredProcess;
  let pool: Pool;
  let env: Record<string, string>;

  beforeAll(async () => {
    redis = await RedisServer.start();
    database = await createDatabase();
    env = {
      DATABASE_URL: database.url,
      DATABASE_MIGRATE: 'true',
      REDIS_URL: redis.url,
      REDIS_TIMEOUT_MS: '1000',
      CACHE_LEASE_MS: '1000',
      TRUST_PROXY: '1',
      ADMIN_TOKEN: TOKEN,
      SHUTDOWN_DRAIN: compose.services['api-1'].environment['SHUTDOWN_DRAIN']!,
      SHUTDOWN_REFUSE: compose.services['api-1'].environment['SHUTDOWN_REFUSE']!,
      // A line for each request: what was refused while draining is to be seen.
      LOG_LEVEL: 'debug',
      NODE_ENV: 'production',
    };
    services.push(await ServiceProcess.start(env));
    services.push(await ServiceProcess.start(env));
    const port = await startNginx();
    pool = new Pool(`http://127.0.0.1:${port}`, { connections: 12, pipelining: 1 });
    await eventually(async () => (await send('GET', '/health/live')).status === 200);
    const body = { name: 'Lamp', price: 1, category: 'books' };
    for (let n = 0; n < 30; n++) expect((await send('POST', '/products', body)).status).toBe(201);
  }, 90_000);

  afterAll(async () => {
    await pool?.destroy();
    await nginx?.stop();
    for (const service of services) await service.stop();
    await redis.stop();
    await database.drop();
    rmSync(folder, { recursive: true, force: true });
  });

  /** The repository's file; replaced are the names of compose, the port, and where Debian's nginx puts its files. */
  async function startNginx(): Promise<number> {
    const port = await freePort();
    const places = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map((n) => `${n}_temp_path ${folder}/${n};`);
    const adapted = readFileSync(CONFIGURATION, 'utf8')
      .replace('api-1:8000', `127.0.0.1:${services[0]!.port}`)
      .replace('api-2:8000', `127.0.0.1:${services[1]!.port}`)
      .replace('listen 8000;', `listen 127.0.0.1:${port};`)
      .replace('pid /tmp/nginx.pid;', `pid ${folder}/nginx.pid;`)
      .replace('http {', `http { ${places.join(' ')}`);
    writeFileSync(join(folder, 'nginx.conf'), adapted);
    nginx = TetheredProcess.start({
      command: findExecutable('nginx')!,
      args: ['-e', 'stderr', '-c', join(folder, 'nginx.conf'), '-g', 'daemon off;'],
      stopSignal: 'TERM',
    });
    return port;
  }

  async function send(method: 'GET' | 'PATCH' | 'POST', path: string, content?: object) {
    const body = content === undefined ? null : JSON.stringify(content);
    const answer = await pool.request({ method, path, body, headers: HEADERS });
    return { status: answer.statusCode, text: await answer.body.text() };
  }

  it('loses no request, reads and writes alike, and every read sees the last finished write', async () => {
    const failures: string[] = [];
    const prices = new Map<number, number>();
    const counts = { reads: 0, writes: 0 };
    let isOver = false;
    // Each of them has products of its own, so that it knows what the last write was.
    const client = async (index: number): Promise<void> => {
      for (let n = 0; !isOver; n++) {
        const id = 1 + index + 10 * (n % 3);
        try {
          if (n % 4 === 0) {
            const answer = await send('PATCH', `/products/${id}`, { price: n % 10_000 });
            counts.writes++;
            if (answer.status === 200) prices.set(id, n % 10_000);
            else failures.push(`PATCH ${answer.status} ${answer.text}`);
            continue;
          }
          const answer = await send('GET', n % 7 === 0 ? '/products?category=books&limit=50' : `/products/${id}`);
          counts.reads++;
          if (answer.status !== 200) failures.push(`GET ${answer.status} ${answer.text}`);
          else if (n % 7 !== 0 && prices.has(id)) {
            const { price } = JSON.parse(answer.text) as { price: number };
            if (price !== prices.get(id)) failures.push(`product ${id} costs ${prices.get(id)}, read was ${price}`);
          }
        } catch (error) {
          failures.push(String(error));
        }
      }
    };
    const clients = Promise.all(Array.from({ length: 10 }, (_, index) => client(index)));
    for (const index of [0, 1]) {
      await eventually(() => counts.reads > 500 * (index + 1));
      const stopped = services[index]!;
      await expect(stopped.stop()).resolves.toBe(0);
      // nginx has met the refusal, and sent the request to the other one.
      expect(stopped.output).toMatch(/"status":502/);
      services[index] = await ServiceProcess.start(env, services[index]!.port);
      // The balancer has to have it back before the other one goes.
      await eventually(async () => (await served(index)) > 20);
    }
    isOver = true;
    await clients;
    expect(failures).toEqual([]);
    expect(counts.writes).toBeGreaterThan(200);
  });

  /** Requests to products that an instance has answered. */
  async function served(index: number): Promise<number> {
    const { totalRequests } = (await (await fetch(`${services[index]!.url}/cache/stats`)).json()) as {
      totalRequests: number;
    };
    return totalRequests;
  }
});
