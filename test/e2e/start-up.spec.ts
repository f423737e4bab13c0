import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { freePort } from '../../apps/api/src/embedded/free-port';
import { Client } from 'pg';
import { administer, createDatabase } from '../support/database';
import { eventually } from '../support/eventually';

const ROOT = join(__dirname, '../..');
/** The built entry; the Dockerfile and `start:prod` rely on this path. */
const MAIN = join(ROOT, 'dist/apps/api/src/main.js');

interface Run {
  readonly child: ChildProcess;
  readonly output: () => string;
  readonly ended: Promise<number | null>;
}

describe('the compiled service as a process', () => {
  let folder: string;
  let port: number;
  const runs: Run[] = [];

  beforeEach(async () => {
    folder = mkdtempSync(join(tmpdir(), 'strata-start-'));
    chmodSync(folder, 0o755);
    port = await freePort();
  });

  afterEach(async () => {
    for (const run of runs.splice(0)) {
      run.child.kill('SIGKILL');
      await run.ended;
    }
    await eventually(() => processesIn(folder).length === 0);
    rmSync(folder, { recursive: true, force: true });
  });

  function run(env: Record<string, string> = {}, entry = MAIN, ...args: string[]): Run {
    const child = spawn(process.execPath, [entry, ...args], {
      cwd: folder,
      env: { PATH: process.env['PATH']!, PORT: String(port), ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let text = '';
    for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk: Buffer) => (text += chunk.toString()));
    const started = { child, output: () => text, ended: once(child, 'exit').then(([code]) => code as number | null) };
    runs.push(started);
    return started;
  }

  const ready = (service: Run): Promise<unknown> =>
    eventually(() => {
      if (service.child.exitCode !== null) throw new Error(`ended: ${service.output()}`);
      return service.output().includes('Strata is ready');
    });
  const product = async (id: number): Promise<{ price: number }> =>
    (await (await fetch(`http://127.0.0.1:${port}/products/${id}`)).json()) as { price: number };

  it('the build puts the entry where the image expects it', () => {
    expect(existsSync(MAIN)).toBe(true);
    expect(readFileSync(join(ROOT, 'docker/Dockerfile'), 'utf8')).toContain('dist/apps/api/src/main.js');
  });

  it('starts on embedded servers, keeps its data over kill -9, and leaves nothing behind', async () => {
    const first = run();
    await ready(first);
    expect(first.output()).toContain(`http://localhost:${port}/docs`);
    expect(first.output()).toMatch(/database {3}embedded PostgreSQL 18, data in .*\(DATABASE_URL is not set\)/);
    expect(first.output()).toMatch(/L2 {9}private .*redis-server on a unix socket/);
    await fetch(`http://127.0.0.1:${port}/products/7`, {
      method: 'PATCH',
      headers: { 'content-type': 'application/json' },
      body: '{"price": 77.77}',
    });
    first.child.kill('SIGKILL');
    await first.ended;

    const second = run();
    await ready(second);
    expect((await product(7)).price).toBe(77.77);
    second.child.kill('SIGTERM');
    expect(await second.ended).toBe(0);
    await eventually(() => processesIn(folder).length === 0);
    expect(second.output()).not.toMatch(/error/i);
  });

  it('finishes requests under way when it is told to stop', async () => {
    const service = run();
    await ready(service);
    const requests = Array.from({ length: 20 }, (_, i) =>
      fetch(`http://127.0.0.1:${port}/products?search=${i}&limit=100`),
    );
    await Promise.race(requests);
    service.child.kill('SIGINT');
    const answers = await Promise.allSettled(requests.map(async (request) => (await request).status));
    expect(await service.ended).toBe(0);
    expect(answers.filter((answer) => answer.status === 'fulfilled' && answer.value === 200).length).toBeGreaterThan(0);
    expect(answers.filter((answer) => answer.status === 'fulfilled' && answer.value >= 500)).toEqual([]);
  });

  it('lets a write that is waiting for a lock finish, and tell the others, before it ends', async () => {
    const { url, drop } = await createDatabase();
    const service = run({ DATABASE_URL: url, DATABASE_MIGRATE: 'true' });
    await ready(service);
    await administer(url, `INSERT INTO products (name, price, category) VALUES ('a', 1, 'books')`);
    const blocker = new Client({ connectionString: url });
    await blocker.connect();
    await blocker.query('BEGIN');
    await blocker.query('SELECT * FROM products FOR UPDATE');
    const write = fetch(`http://127.0.0.1:${port}/products/1`, {
      method: 'PATCH',
      headers: { 'content-type': 'application/json' },
      body: '{"price": 2}',
    });
    await eventually(async () => {
      const { rows } = await blocker.query(`SELECT 1 FROM pg_stat_activity WHERE wait_event_type = 'Lock'`);
      return rows.length > 0;
    });
    service.child.kill('SIGTERM');
    // It has begun to stop when it takes no new connection, while the write still waits for its lock.
    await eventually(() =>
      fetch(`http://127.0.0.1:${port}/health/live`).then(
        () => false,
        () => true,
      ),
    );
    await blocker.query('COMMIT');
    const answer = await write;
    expect([answer.status, ((await answer.json()) as { price: number }).price]).toEqual([200, 2]);
    expect(await service.ended).toBe(0);
    await blocker.end();
    await drop();
  });

  it.each([
    ['a taken port', async () => ({ PORT: String(await takenPort()) }), /port \d+ is taken.*set PORT/],
    [
      'a database that is not there',
      async () => ({ DATABASE_URL: 'postgres://u:secret1@127.0.0.1:1/x' }),
      /127\.0\.0\.1:1 refuses connections/,
    ],
    ['a wrong password', async () => ({ DATABASE_URL: testUrl({ password: 'secret1' }) }), /refuses user or password/],
    [
      'an unknown database',
      async () => ({ DATABASE_URL: testUrl({ pathname: '/nowhere' }) }),
      /"nowhere" does not exist/,
    ],
    ['missing tables', async () => ({ DATABASE_URL: (await createDatabase()).url }), /npm run migrate/],
    ['an address of another machine', async () => ({ HOST: '192.0.2.1' }), /cannot listen at HOST=192\.0\.2\.1/],
    ['two malformed variables', async () => ({ CACHE_TTL: '5', LOG_LEVEL: 'loud' }), /LOG_LEVEL[\s\S]*CACHE_TTL/],
    ['production without a database', async () => ({ NODE_ENV: 'production' }), /DATABASE_URL is needed/],
  ])('explains %s in a few lines and ends with 1', async (_what, environment, explanation) => {
    const service = run(await environment());
    expect(await service.ended).toBe(1);
    expect(service.output()).toMatch(explanation);
    expect(service.output()).not.toMatch(/^\s+at /m);
    expect(service.output()).not.toContain('secret1');
  });

  it('a Redis that cannot be reached is a warning, not an end', async () => {
    const service = run({ REDIS_URL: 'redis://127.0.0.1:1' });
    await ready(service);
    expect((await product(7)).price).toBeGreaterThan(0);
    expect(service.output()).toMatch(/WARN.*Redis is away/);
  });

  it('refuses a data folder that another instance uses', async () => {
    const first = run();
    await ready(first);
    const second = run({ PORT: String(await freePort()) });
    expect(await second.ended).toBe(1);
    expect(second.output()).toMatch(/in use by process \d+/);
  });

  it('migrates and seeds a real server by command', async () => {
    const { url, drop } = await createDatabase();
    const env = { DATABASE_URL: url };
    const cli = join(ROOT, 'dist/apps/api/src/cli');
    for (const [entry, args, said] of [
      ['migrate.js', [], /Migrated: CreateProducts/],
      ['migrate.js', [], /Nothing to migrate/],
      ['seed.js', ['--count', '150'], /Added 150/],
      ['seed.js', ['--count', '150'], /Nothing to add/],
      ['seed.js', ['--count', '120', '--reset'], /Added 120/],
    ] as const) {
      const command = run(env, join(cli, entry), ...args);
      expect(await command.ended).toBe(0);
      expect(command.output()).toMatch(said);
    }
    const wrong = run(env, join(cli, 'seed.js'), '--count', 'many');
    expect(await wrong.ended).toBe(1);
    expect(wrong.output()).toMatch(/usage: npm run seed/);
    expect(wrong.output()).not.toMatch(/^\s+at /m);
    const service = run(env);
    await ready(service);
    expect((await fetch(`http://127.0.0.1:${port}/products`)).headers.get('x-total-count')).toBe('120');
    service.child.kill('SIGTERM');
    await service.ended;
    await drop();
  });
});

/** Processes of this machine that work in or on `folder`, ours excepted. */
function processesIn(folder: string): string[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name) && name !== String(process.pid))
    .filter((pid) => {
      try {
        return readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes(folder);
      } catch {
        return false;
      }
    });
}

async function takenPort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1').unref();
  await once(server, 'listening');
  return (server.address() as AddressInfo).port;
}

function testUrl(changes: { pathname?: string; password?: string }): string {
  return Object.assign(new URL(process.env['TEST_DATABASE_URL']!), changes).href;
}
