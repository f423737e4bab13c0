// npm run bench:http [-- --seconds 4 --rounds 5]: what a hit costs over HTTP, in CPU of the serving process. Every
// contestant is one process on one core; wrk loads it from the other; rounds are interleaved, medians are shown.
import { execFileSync, fork, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { cpus } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { openDatabase, startService } from '../../load/instances.mjs';
import { startRedis } from '../../peers/redis.mjs';

const { values } = parseArgs({
  options: { seconds: { type: 'string', default: '4' }, rounds: { type: 'string', default: '5' } },
});
const [seconds, rounds] = [Number(values.seconds), Number(values.rounds)];
const { freePort } = createRequire(import.meta.url)(join(process.cwd(), 'dist/apps/api/src/embedded/free-port.js'));
const TICKS_PER_SECOND = Number(execFileSync('getconf', ['CLK_TCK'], { encoding: 'utf8' }));
const [SERVER_CORE, LOAD_CORE] = ['0', '1'];
const CASES = [
  { what: 'product', path: '/products/7', headers: [] },
  { what: 'list', path: '/products?category=books&limit=20', headers: [] },
  { what: '304', path: '/products/7', headers: ['if-none-match: *'], only: /^Strata/ },
];

if (spawnSync('wrk', ['--version']).error !== undefined) {
  process.stderr.write('This bench needs wrk (apt-get install wrk).\n');
  process.exit(1);
}
const redis = await startRedis();
const database = await openDatabase(100);
const stops = [];
try {
  const env = { ...database.environment, REDIS_URL: `redis://127.0.0.1:${redis.port}`, LOG_LEVEL: 'error' };
  const cached = await startService(env);
  const uncached = await startService({ ...env, CACHE_ENABLED: 'false' });
  stops.push(cached.stop, uncached.stop);
  const bytes = async (path) => Buffer.from(await (await fetch(cached.url + path)).arrayBuffer()).toString('base64');
  const constants = { PRODUCT: await bytes(CASES[0].path), LIST: await bytes(CASES[1].path) };
  const contestants = [
    ...(await Promise.all(['node:http', 'fastify', 'nest + fastify'].map((name) => constant(name, constants)))),
    { name: 'Strata, hit', ...cached },
    { name: 'Strata, cache off', ...uncached },
  ];
  process.stdout.write(`Node ${process.version}, ${cpus()[0].model}, ${cpus().length} cores; wrk, 32 connections\n`);
  for (const one of CASES)
    compare(
      one,
      contestants.filter(({ name }) => one.only?.test(name) ?? true),
    );
} finally {
  for (const stop of stops) await stop();
  await database.stop();
  await redis.stop();
}

async function constant(name, constants) {
  const port = await freePort();
  const child = fork(join(import.meta.dirname, 'server.mjs'), [name, String(port)], {
    env: { ...process.env, ...constants },
  });
  await once(child, 'message');
  stops.push(async () => {
    child.kill();
    await once(child, 'exit');
  });
  return { name, url: `http://127.0.0.1:${port}`, pid: child.pid };
}

function compare({ what, path, headers }, contestants) {
  for (const { pid } of contestants) spawnSync('taskset', ['-a', '-p', '-c', SERVER_CORE, String(pid)]);
  for (const { url } of contestants) load(url + path, headers, 1);
  const runs = new Map(contestants.map(({ name }) => [name, []]));
  for (let round = 0; round < rounds; round++) {
    for (const { name, url, pid } of contestants) runs.get(name).push(measure(url + path, headers, pid));
  }
  const median = (numbers) => [...numbers].sort((a, b) => a - b)[Math.floor(numbers.length / 2)];
  const [first] = runs.values();
  const base = median(first.map(({ cpu }) => cpu));
  process.stdout.write(`\n${what.padEnd(20)}  CPU µs a request   times the first   requests/s   p50 ms   p99 ms\n`);
  for (const [name, all] of runs) {
    const cells = ['cpu', 'perSecond', 'p50', 'p99'].map((figure) => median(all.map((run) => run[figure])));
    const [cpu, perSecond, p50, p99] = cells;
    process.stdout.write(
      `${name.padEnd(20)} ${cpu.toFixed(1).padStart(17)} ${(cpu / base).toFixed(2).padStart(17)} ${Math.round(perSecond)
        .toString()
        .padStart(12)} ${p50.toFixed(2).padStart(8)} ${p99.toFixed(2).padStart(8)}\n`,
    );
  }
}

function measure(url, headers, pid) {
  const before = cpuMicros(pid);
  const printed = load(url, headers, seconds);
  const used = cpuMicros(pid) - before;
  const requests = Number(/(\d+) requests in/.exec(printed)[1]);
  if (/Non-2xx/.test(printed) && !headers.length) throw new Error(printed);
  const percentile = (p) => {
    const [, value, unit] = new RegExp(`${p}%\\s+([\\d.]+)(us|ms|s)`).exec(printed);
    return Number(value) * { us: 0.001, ms: 1, s: 1_000 }[unit];
  };
  return { cpu: used / requests, perSecond: requests / seconds, p50: percentile(50), p99: percentile(99) };
}

function load(url, headers, duration) {
  const given = headers.flatMap((header) => ['-H', header]);
  return execFileSync(
    'taskset',
    ['-c', LOAD_CORE, 'wrk', '-t1', '-c32', `-d${duration}s`, '--latency', ...given, url],
    { encoding: 'utf8' },
  );
}

/** User and system time of a process, all threads. */
function cpuMicros(pid) {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1].split(' ');
  return ((Number(fields[11]) + Number(fields[12])) / TICKS_PER_SECOND) * 1e6;
}
