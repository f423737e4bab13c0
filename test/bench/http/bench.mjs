// npm run bench:http [-- --seconds 3 --rounds 5 --connections 32 --quick --only PATTERN --beside DIR]: what a hit costs
// over HTTP, in CPU of the serving process.
// Each contestant is a process on one core; wrk loads it from the other; rounds are interleaved, medians are shown.
import { spawnSync } from 'node:child_process';
import { resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { openDatabase, startService } from '../../load/instances.mjs';
import { startRedis } from '../../peers/redis.mjs';
import { circumstances, median, table, writeResults } from '../common/report.mjs';
import { CASES, freePort, openContent, startServer } from './contestants.mjs';
import { load, measure, pin } from './measure.mjs';
import { startProxies } from './proxies.mjs';

const { values } = parseArgs({
  options: {
    seconds: { type: 'string' },
    rounds: { type: 'string' },
    quick: { type: 'boolean', default: false },
    only: { type: 'string', default: '.' },
    connections: { type: 'string', default: '32' },
    /** Another checkout that has been built: its Strata takes part too. */
    beside: { type: 'string' },
  },
});
const seconds = Number(values.seconds ?? (values.quick ? 1 : 3));
const connections = Number(values.connections);
const rounds = Number(values.rounds ?? (values.quick ? 2 : 5));
/** Until the compiler has done its work: what is measured is a service that runs. */
const WARM_UP_SECONDS = values.quick ? 1 : 5;
/** Before each run too: while a process is idle, V8 throws code away that it has to make again. */
const AGAIN_SECONDS = values.quick ? 0 : 2;
const PACKAGES = ['@nestjs/core', 'fastify', 'express', '@nestjs/cache-manager', 'cache-manager', '@keyv/redis'];
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
/** Who takes part in which case. */
const TAKES_PART = {
  product: /./,
  list: /^(?!Nest . Fastify, interceptor)/,
  '304 of the product': /^(node|nginx|Varnish|Strata|beside|service(?!, off))/,
  'list, gzip': /^(?!CacheInterceptor|Nest . Fastify, interceptor|service, off)/,
};
const chosen = Object.keys(CASES).filter((what) => !values.quick || !what.includes('gzip'));

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
  const tables = chosen.map((what) =>
    compare(
      what,
      contestants.filter(({ name }) => TAKES_PART[what].test(name)),
    ),
  );
  writeResults('http', circumstances(PACKAGES), tables);
} finally {
  for (const stop of stops) await stop();
  await database.stop();
  await redis.stop();
}

async function start() {
  const { service, constants, further } = await openContent(database, redis.port);
  stops.push(service.stop);
  process.stdout.write(`product ${further.product} bytes, list ${further.list} bytes\n`);
  const others = (values.quick ? SERVERS : [...SERVERS, ...FURTHER_SERVERS]).filter(isChosen);
  const beside = values.beside ? others.filter((name) => name.startsWith('Strata')) : [];
  const servers = await Promise.all([
    ...['node:http', ...others].map((name) => startServer(name, constants)),
    ...beside.map(async (name) => ({
      ...(await startServer(name, constants, { cwd: resolve(values.beside) })),
      name: `beside: ${name}`,
    })),
  ]);
  stops.push(...servers.map(({ stop }) => stop));
  const proxies = await startProxies(servers[0].url, freePort, isChosen);
  stops.push(...proxies.map(({ stop }) => stop));
  const contestants = [...servers, ...proxies];
  const services = Object.entries({ ...SERVICE, ...(values.quick ? {} : FURTHER_SERVICE) });
  for (const [name, variables] of services.filter(([name]) => isChosen(name))) {
    const isFirst = name === 'service, fast lane';
    const one = isFirst ? service : await startService({ ...further.environment, ...variables });
    if (!isFirst) stops.push(one.stop);
    contestants.push({ name, ...one });
  }
  return contestants;
}

function compare(what, contestants) {
  const { path, headers } = CASES[what];
  for (const { pid } of contestants) pin(pid);
  for (const { url } of contestants) load(url + path, headers, WARM_UP_SECONDS, connections);
  const runs = new Map(contestants.map(({ name }) => [name, []]));
  for (let round = 0; round < rounds; round++) {
    for (const { name, url, pid } of contestants) {
      if (AGAIN_SECONDS > 0) load(url + path, headers, AGAIN_SECONDS, connections);
      runs.get(name).push(measure(url + path, headers, pid, seconds, connections));
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
