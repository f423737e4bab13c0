import { spawn } from 'node:child_process';
import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const require = createRequire(import.meta.url);
const dist = join(process.cwd(), 'dist/apps/api/src');

/** Starts a private PostgreSQL and the service on it, once with the cache and once without. */
export async function startInstances() {
  const { EmbeddedPostgres } = require(join(dist, 'embedded/embedded-postgres.js'));
  const { freePort } = require(join(dist, 'embedded/free-port.js'));
  const folder = mkdtempSync(join(tmpdir(), 'strata-load-'));
  chmodSync(folder, 0o755);
  const database = await EmbeddedPostgres.start({ folder: join(folder, 'postgres') });
  const environment = { ...process.env, DATABASE_URL: database.url, LOG_LEVEL: 'warn' };
  await run(join(dist, 'cli/migrate.js'), environment);
  await run(join(dist, 'cli/seed.js'), environment, '--count', '100');
  const services = [];
  for (const enabled of ['true', 'false']) {
    const port = await freePort();
    services.push(await startService({ ...environment, CACHE_ENABLED: enabled, PORT: String(port) }, port));
  }
  return {
    cached: services[0].url,
    uncached: services[1].url,
    stop: async () => {
      for (const service of services) await service.stop();
      await database.stop();
      rmSync(folder, { recursive: true, force: true });
    },
  };
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
    if (attempt > 200 || child.exitCode !== null) throw new Error('the service did not start');
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
