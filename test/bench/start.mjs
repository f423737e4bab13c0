// npm run bench:start: from the start of the process to its first answer of a product, and its memory three seconds
// later, on servers that run already. Medians of five starts. Then what the installation takes.
import { execFileSync } from 'node:child_process';
import { copyFileSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { openDatabase, startService } from '../load/instances.mjs';
import { startRedis } from '../peers/redis.mjs';
import { median } from './common/report.mjs';

const redis = await startRedis();
const database = await openDatabase(100);
const runs = [];
for (let start = 0; start < 5; start++) {
  const startedAt = performance.now();
  const service = await startService({ ...database.environment, REDIS_URL: `redis://127.0.0.1:${redis.port}` });
  await fetch(`${service.url}/products/7`);
  const ms = performance.now() - startedAt;
  await setTimeout(3_000);
  const rss = Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${service.pid}/status`, 'utf8'))[1]) / 1_024;
  runs.push({ ms, rss });
  await service.stop();
}
await database.stop();
await redis.stop();
process.stdout.write(`first answer after ${Math.round(median(runs.map(({ ms }) => ms)))} ms\n`);
process.stdout.write(`memory at rest ${Math.round(median(runs.map(({ rss }) => rss)))} MB\n`);
for (const name of ['@nestjs/core', '@nestjs/swagger', 'typeorm', '@faker-js/faker', 'fastify', 'ioredis', 'zod']) {
  const script = `const before = process.memoryUsage().rss, at = performance.now(); require('${name}');
    console.log(Math.round(performance.now() - at) + ' ms, ' + Math.round((process.memoryUsage().rss - before) / 1048576) + ' MB')`;
  const loaded = execFileSync(process.execPath, ['-e', script], { encoding: 'utf8' }).trim();
  process.stdout.write(`  loading ${name} alone: ${loaded}\n`);
}

const development = sizes('node_modules');
const folder = mkdtempSync(join(tmpdir(), 'strata-size-'));
for (const file of ['package.json', 'package-lock.json']) copyFileSync(file, join(folder, file));
const quiet = { cwd: folder, stdio: ['ignore', 'ignore', 'inherit'] };
execFileSync('npm', ['ci', '--omit=dev', '--ignore-scripts', '--no-audit', '--no-fund', '--loglevel=error'], quiet);
const service = sizes(join(folder, 'node_modules'));
execFileSync('sh', ['docker/prune-modules.sh', join(folder, 'node_modules')]);
const pruned = sizes(join(folder, 'node_modules'));
rmSync(folder, { recursive: true });
for (const [what, given] of Object.entries({ development, 'of the service': service, 'in the image': pruned })) {
  const largest = given.parts.slice(0, 4).map(([name, megabytes]) => `${name} ${megabytes}`);
  process.stdout.write(`installed, ${what}: ${given.total} MB (${largest.join(', ')})\n`);
}

function sizes(modules) {
  const names = readdirSync(modules).filter((name) => !name.startsWith('.'));
  const megabytes = (path) => Number(/^\d+/.exec(execFileSync('du', ['-sm', path], { encoding: 'utf8' }))[0]);
  const parts = names.map((name) => [name, megabytes(join(modules, name))]).sort(([, a], [, b]) => b - a);
  return { total: megabytes(modules), parts };
}
