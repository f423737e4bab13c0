import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { freePort } from '../../apps/api/src/embedded/free-port';
import { administer, createDatabase } from '../support/database';
import { eventually } from '../support/eventually';
import { RedisServer } from '../support/redis-server';
import { check, type Operation } from './checker';

const MAIN = join(__dirname, '../../dist/apps/api/src/main.js');
const INSTANCES = 3;
const PRODUCTS = 5;
const READERS = 6;
const LEASE_MS = 500;
const SECONDS = Number(process.env['COHERENCE_SECONDS'] ?? 25);

interface Instance {
  readonly url: string;
  readonly child: ChildProcess;
}

/** Real processes, real Redis, real PostgreSQL, real faults; every read is judged by the history. */
describe('history of a fleet under faults', () => {
  let redis: RedisServer;
  let database: Awaited<ReturnType<typeof createDatabase>>;
  const instances: Instance[] = [];
  const history: Operation[] = [];
  const faults: Record<string, number> = {};
  let stopped = false;
  let deferred = 0;

  beforeAll(async () => {
    redis = await RedisServer.start();
    database = await createDatabase();
    for (let i = 0; i < INSTANCES; i++) instances.push(await startInstance(i === 0));
  });

  afterAll(async () => {
    for (const { child } of instances) {
      child.kill('SIGCONT');
      child.kill('SIGTERM');
      if (child.exitCode === null) await once(child, 'exit');
    }
    await redis.stop();
    await database.drop();
  });

  async function startInstance(first: boolean): Promise<Instance> {
    const port = await freePort();
    const child = spawn(process.execPath, [MAIN], {
      env: {
        PATH: process.env['PATH']!,
        PORT: String(port),
        DATABASE_URL: database.url,
        DATABASE_MIGRATE: 'true',
        DATABASE_POOL_SIZE: '5',
        REDIS_URL: redis.url,
        REDIS_TIMEOUT_MS: '200',
        CACHE_LEASE_MS: String(LEASE_MS),
        // To see the harness find something: broadcast lets a writer return before the others know.
        CACHE_COHERENCE: process.env['COHERENCE_MODE'] ?? 'acknowledged',
        WRITE_RATE_LIMIT: '0',
        LOG_LEVEL: 'error',
      },
      stdio: ['ignore', 'ignore', 'inherit'],
    });
    const url = `http://127.0.0.1:${port}`;
    await eventually(async () => (await fetch(`${url}/health/ready`)).ok);
    if (first)
      await administer(
        database.url,
        `INSERT INTO products (name, price, category) SELECT 'p' || i, 0, 'books' FROM generate_series(1, ${PRODUCTS}) i`,
      );
    return { url, child };
  }

  /** The only writer of its product: the price is the version. */
  async function writer(id: number): Promise<void> {
    for (let version = 1; !stopped; version++) {
      const instance = Math.floor(Math.random() * INSTANCES);
      const start = performance.now();
      const response = await fetch(`${instances[instance]!.url}/products/${id}`, {
        method: 'PATCH',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ price: version }),
      });
      if (response.status !== 200) throw new Error(`write: ${response.status} ${await response.text()}`);
      const told = response.headers.get('cache-invalidation') !== 'deferred';
      await response.arrayBuffer();
      // A deferred write promises nothing to other instances until it is delivered (C5): it counts as begun
      // and never as finished, and the next one that is delivered covers it.
      if (!told) deferred++;
      history.push({
        kind: 'write',
        key: `p${id}`,
        version,
        start,
        end: told ? performance.now() : Infinity,
        instance,
      });
      await new Promise((resolve) => setTimeout(resolve, Math.random() * 60));
    }
  }

  async function reader(): Promise<void> {
    while (!stopped) {
      const instance = Math.floor(Math.random() * INSTANCES);
      const listing = Math.random() < 0.2;
      const id = 1 + Math.floor(Math.random() * PRODUCTS);
      const start = performance.now();
      const response = await fetch(`${instances[instance]!.url}/products${listing ? '?category=books' : `/${id}`}`);
      const body = (await response.json()) as { id: number; price: number } | { id: number; price: number }[];
      const end = performance.now();
      if (response.status !== 200) throw new Error(`read: ${response.status} ${JSON.stringify(body)}`);
      for (const { id: read, price } of [body].flat()) {
        history.push({ kind: 'read', key: `p${read}`, version: price, start, end, instance });
      }
    }
  }

  async function faulty(): Promise<void> {
    const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));
    const actions: Record<string, () => Promise<void>> = {
      'freeze an instance': async () => {
        const { child } = instances[Math.floor(Math.random() * INSTANCES)]!;
        child.kill('SIGSTOP');
        await pause(50 + Math.random() * 3 * LEASE_MS);
        child.kill('SIGCONT');
      },
      'freeze Redis': async () => {
        redis.freeze();
        await pause(50 + Math.random() * 2 * LEASE_MS);
        redis.thaw();
      },
      'cut subscriptions': () =>
        redis.command((client) => client.client('KILL', 'TYPE', 'pubsub')).then(() => undefined),
      'cut all connections': () =>
        redis
          .command((client) => client.client('KILL', 'TYPE', 'normal'))
          .then(
            () => undefined,
            () => undefined,
          ),
      'restart Redis empty': async () => {
        await redis.kill();
        await pause(Math.random() * LEASE_MS);
        await redis.launch();
      },
      'lose head': () => redis.command((client) => client.del('{strata}:head')).then(() => undefined),
      'lose everything': () => redis.command((client) => client.flushall()).then(() => undefined),
    };
    while (!stopped) {
      for (const [name, act] of Object.entries(actions)) {
        await pause(300 + Math.random() * 600);
        if (stopped) return;
        await act();
        faults[name] = (faults[name] ?? 0) + 1;
      }
    }
  }

  it('no read on any instance is older than the last finished write', async () => {
    const work = [
      ...Array.from({ length: PRODUCTS }, (_, i) => writer(i + 1)),
      ...Array.from({ length: READERS }, () => reader()),
      faulty(),
    ];
    const deadline = new Promise((resolve) => setTimeout(resolve, SECONDS * 1_000));
    await Promise.race([deadline, Promise.all(work)]);
    stopped = true;
    await Promise.all(work);
    const violations = check(history);
    const reads = history.filter((operation) => operation.kind === 'read').length;
    const summary = { reads, writes: history.length - reads, deferred, violations: violations.length, faults };
    process.stdout.write(`${JSON.stringify(summary)}\n`);
    expect(violations.slice(0, 3)).toEqual([]);
    expect(reads).toBeGreaterThan(SECONDS * 20);
    expect(Object.keys(faults).length).toBeGreaterThan(3);
  });
});
