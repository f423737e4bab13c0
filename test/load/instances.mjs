import { spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** Variables that would change what is measured. */
const OF_THE_SERVICE = /^((CACHE|REDIS|DATABASE|SHUTDOWN|LOG)_|(NODE_ENV|HOST|PORT|METRICS_PUBLIC|TRUST_PROXY)$)/;

const require = createRequire(import.meta.url);
const dist = join(process.cwd(), 'dist/apps/api/src');
const TETHER = join(import.meta.dirname, 'tether.mjs');

/**
 * A private PostgreSQL with products, and the environment for services on it. What this process's environment says
 * of servers and of the cache is left out: this is measured, not what somebody has set up.
 */
export async function openDatabase(products) {
  const { EmbeddedPostgres } = require(join(dist, 'embedded/embedded-postgres.js'));
  const folder = mkdtempSync(join(tmpdir(), 'strata-load-'));
  chmodSync(folder, 0o755);
  const database = await EmbeddedPostgres.start({ folder: join(folder, 'postgres') });
  const stop = async () => {
    await database.stop();
    rmSync(folder, { recursive: true, force: true });
  };
  const inherited = Object.entries(process.env).filter(([name]) => !OF_THE_SERVICE.test(name));
  const environment = {
    ...Object.fromEntries(inherited),
    DATABASE_URL: database.url,
    LOG_LEVEL: 'warn',
    ADMIN_TOKEN: randomUUID(),
    WRITE_RATE_LIMIT: '0',
  };
  try {
    await run(join(dist, 'cli/migrate.js'), environment);
    await run(join(dist, 'cli/seed.js'), environment, '--count', String(products));
  } catch (error) {
    await stop();
    throw error;
  }
  return { environment, token: environment.ADMIN_TOKEN, stop };
}

/** The service on a private PostgreSQL, once with the cache and a private Redis, once without. */
export async function startInstances(products) {
  const database = await openDatabase(products);
  const services = [];
  const stop = async () => {
    for (const service of services) await service.stop();
    await database.stop();
  };
  try {
    for (const enabled of ['true', 'false'])
      services.push(await startService({ ...database.environment, CACHE_ENABLED: enabled }));
    return { cached: services[0].url, uncached: services[1].url, token: database.token, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

function run(entry, env, ...args) {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [entry, ...args], { env, stdio: ['ignore', 'ignore', 'inherit'] });
    child.once('exit', (code) => (code === 0 ? resolve() : reject(new Error(`${entry} ended with ${code}`))));
  });
}

/** One process of the service; resolves when it is ready. */
export async function startService(env) {
  const { freePort } = require(join(dist, 'embedded/free-port.js'));
  const port = await freePort();
  const child = spawn(process.execPath, ['--import', TETHER, join(dist, 'main.js')], {
    env: { ...env, PORT: String(port) },
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
  });
  const ended = new Promise((resolve) => child.once('exit', resolve));
  const url = `http://127.0.0.1:${port}`;
  for (let attempt = 0; ; attempt++) {
    const up = await fetch(`${url}/health/ready`).then(
      (response) => response.ok,
      () => false,
    );
    if (up) break;
    if (attempt > 200 || child.exitCode !== null) {
      child.kill('SIGKILL');
      throw new Error('the service did not start');
    }
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  return {
    url,
    pid: child.pid,
    stop: async () => {
      child.kill('SIGTERM');
      await ended;
    },
  };
}
