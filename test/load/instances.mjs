import { spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const require = createRequire(import.meta.url);
const dist = join(process.cwd(), 'dist/apps/api/src');

/**
 * Starts a private PostgreSQL and the service on it, once with the cache and a private Redis, once without. What the
 * environment says of servers and of the cache is left out: this is measured, not what somebody has set up.
 */
export async function startInstances(products) {
  const { EmbeddedPostgres } = require(join(dist, 'embedded/embedded-postgres.js'));
  const { freePort } = require(join(dist, 'embedded/free-port.js'));
  const folder = mkdtempSync(join(tmpdir(), 'strata-load-'));
  chmodSync(folder, 0o755);
  const database = await EmbeddedPostgres.start({ folder: join(folder, 'postgres') });
  const token = randomUUID();
  const inherited = Object.entries(process.env).filter(([name]) => !/^(CACHE|REDIS|DATABASE)_/.test(name));
  const environment = {
    ...Object.fromEntries(inherited),
    DATABASE_URL: database.url,
    LOG_LEVEL: 'warn',
    ADMIN_TOKEN: token,
    WRITE_RATE_LIMIT: '0',
  };
  const services = [];
  const stop = async () => {
    for (const service of services) await service.stop();
    await database.stop();
    rmSync(folder, { recursive: true, force: true });
  };
  try {
    await run(join(dist, 'cli/migrate.js'), environment);
    await run(join(dist, 'cli/seed.js'), environment, '--count', String(products));
    for (const enabled of ['true', 'false']) {
      const port = await freePort();
      services.push(await startService({ ...environment, CACHE_ENABLED: enabled, PORT: String(port) }, port));
    }
    return { cached: services[0].url, uncached: services[1].url, token, stop };
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

async function startService(env, port) {
  const child = spawn(process.execPath, [join(dist, 'main.js')], { env, stdio: ['ignore', 'ignore', 'inherit'] });
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
    stop: async () => {
      child.kill('SIGTERM');
      await ended;
    },
  };
}
