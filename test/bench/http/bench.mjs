// npm run bench:http [-- --seconds 3 --rounds 5 --quick --only PATTERN]: what a hit costs over HTTP, in CPU of the serving process.
// Each contestant is a process on one core; wrk loads it from the other; rounds are interleaved, medians are shown.
import { fork, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { gzipSync } from 'node:zlib';
import { openDatabase, startService } from '../../load/instances.mjs';
import { startRedis } from '../../peers/redis.mjs';
import { circumstances, median, table, writeResults } from '../common/report.mjs';
import { load, measure, pin } from './measure.mjs';
import { startProxies } from './proxies.mjs';

const { values } = parseArgs({
  options: {
    seconds: { type: 'string' },
    rounds: { type: 'string' },
    quick: { type: 'boolean', default: false },
    only: { type: 'string', default: '.' },
  },
});
const seconds = Number(values.seconds ?? (values.quick ? 1 : 3));
const rounds = Number(values.rounds ?? (values.quick ? 2 : 5));
/** Until the compiler has done its work: what is measured is a service that runs. */
const WARM_UP_SECONDS = values.quick ? 1 : 5;
/** Before each run too: while a process is idle, V8 throws code away that it has to make again. */
const AGAIN_SECONDS = values.quick ? 0 : 2;
const { freePort } = createRequire(import.meta.url)(join(process.cwd(), 'dist/apps/api/src/embedded/free-port.js'));
const PACKAGES = ['@nestjs/core', 'fastify', 'express', '@nestjs/cache-manager', 'cache-manager', '@keyv/redis'];
const [PRODUCT, LIST] = ['/products/7', '/products?category=books&limit=33'];
/** Bare applications beside `node:http`, which all are compared with; the quick form leaves some out. */
const SERVERS = ['Nest + Fastify', 'Nest + Fastify, interceptor', 'Strata, fast lane', 'Strata, interceptor'];
const FURTHER_SERVERS = [
  'node:http, all headers',
  'fastify',
  'CacheInterceptor, Fastify',
  'CacheInterceptor, 2 stores',
  'CacheInterceptor, Express',
];
/** The products service, with request ids, metrics and logs. */
const SERVICE = { 'service, fast lane': {}, 'service, off': { CACHE_ENABLED: 'false' } };
const FURTHER_SERVICE = { 'service, interceptor': { CACHE_FAST_LANE: 'false' } };
const isChosen = (name) => new RegExp(values.only).test(name);
const CASES = [
  { what: 'product', path: PRODUCT, headers: [], only: /./ },
  { what: 'list', path: LIST, headers: [], only: /^(?!Nest . Fastify, interceptor)/ },
  { what: '304', path: PRODUCT, headers: ['if-none-match: *'], only: /^(node|nginx|Varnish|Strata|service(?!, off))/ },
  {
    what: 'list, gzip',
    path: LIST,
    headers: ['accept-encoding: gzip'],
    only: /^(?!CacheInterceptor|Nest . Fastify, interceptor|service, off)/,
  },
].filter(({ what }) => !values.quick || !what.includes('gzip'));

if (spawnSync('wrk', ['--version']).error !== undefined) {
  process.stderr.write(
    'This bench needs wrk (apt-get install wrk; nginx-light and varnish are used when they are there).\n',
  );
  process.exit(1);
}
const redis = await startRedis();
const database = await openDatabase(200);
const stops = [];
try {
  const contestants = await start();
  const tables = CASES.map((one) =>
    compare(
      one,
      contestants.filter(({ name }) => one.only.test(name)),
    ),
  );
  writeResults('http', circumstances(PACKAGES), tables);
} finally {
  for (const stop of stops) await stop();
  await database.stop();
  await redis.stop();
}

async function start() {
  const env = { ...database.environment, REDIS_URL: `redis://127.0.0.1:${redis.port}`, LOG_LEVEL: 'error' };
  const lane = await startService(env);
  stops.push(lane.stop);
  await describe(lane.url, 500);
  const content = async (path) => Buffer.from(await (await fetch(lane.url + path)).arrayBuffer());
  const [product, list] = [await content(PRODUCT), await content(LIST)];
  const { headers } = await fetch(lane.url + PRODUCT);
  const own = [...headers].filter(([name]) => !/^(date|connection|keep-alive|content-length|content-type)$/.test(name));
  process.stdout.write(`product ${product.length} bytes, list ${list.length} bytes\n`);
  const constants = {
    PRODUCT: product.toString('base64'),
    LIST: list.toString('base64'),
    GZIP: gzipSync(list).toString('base64'),
    HEADERS: JSON.stringify(Object.fromEntries(own)),
    REDIS_URL: env.REDIS_URL,
  };
  const others = (values.quick ? SERVERS : [...SERVERS, ...FURTHER_SERVERS]).filter(isChosen);
  const servers = await Promise.all(['node:http', ...others].map((name) => server(name, constants)));
  const proxies = await startProxies(servers[0].url, freePort, isChosen);
  stops.push(...proxies.map(({ stop }) => stop));
  const contestants = [...servers, ...proxies];
  const services = Object.entries({ ...SERVICE, ...(values.quick ? {} : FURTHER_SERVICE) });
  for (const [name, further] of services.filter(([name]) => isChosen(name))) {
    const isFirst = name === 'service, fast lane';
    const service = isFirst ? lane : await startService({ ...env, ...further });
    if (!isFirst) stops.push(service.stop);
    contestants.push({ name, ...service });
  }
  return contestants;
}

/** Makes the answer of the measured product about as long as the one of the research: 500 bytes. */
async function describe(url, bytes) {
  const { length } = await (await fetch(url + PRODUCT)).text();
  const { description } = await (await fetch(url + PRODUCT)).json();
  const headers = { 'content-type': 'application/json', authorization: `Bearer ${database.token}` };
  const body = JSON.stringify({ description: description.padEnd(description.length + bytes - length, 'x') });
  await fetch(url + PRODUCT, { method: 'PATCH', headers, body });
}

async function server(name, constants) {
  const port = await freePort();
  const env = { ...process.env, ...constants };
  const child = fork(join(import.meta.dirname, 'server.mjs'), [name, String(port)], { env });
  const failed = once(child, 'exit').then(() => Promise.reject(new Error(`${name} did not start`)));
  await Promise.race([once(child, 'message'), failed]);
  stops.push(async () => {
    child.kill();
    await failed.catch(() => undefined);
  });
  return { name, url: `http://127.0.0.1:${port}`, pid: child.pid };
}

function compare({ what, path, headers }, contestants) {
  for (const { pid } of contestants) pin(pid);
  for (const { url } of contestants) load(url + path, headers, WARM_UP_SECONDS);
  const runs = new Map(contestants.map(({ name }) => [name, []]));
  for (let round = 0; round < rounds; round++) {
    for (const { name, url, pid } of contestants) {
      if (AGAIN_SECONDS > 0) load(url + path, headers, AGAIN_SECONDS);
      runs.get(name).push(measure(url + path, headers, pid, seconds));
    }
  }
  const figure = (all, name) => median(all.map((run) => run[name]));
  const base = figure(runs.get('node:http'), 'cpu');
  const rows = [...runs].map(([name, all]) => {
    const cpu = figure(all, 'cpu');
    const [perSecond, p50, p99] = ['perSecond', 'p50', 'p99'].map((one) => figure(all, one));
    return [name, cpu.toFixed(1), (cpu / base).toFixed(2), Math.round(perSecond), p50.toFixed(2), p99.toFixed(2)];
  });
  return table(what, ['contestant', 'CPU µs a request', 'times node:http', 'requests/s', 'p50 ms', 'p99 ms'], rows);
}
