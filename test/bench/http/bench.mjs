// npm run bench:http [-- --seconds 3 --rounds 6 --processes 2 --connections 32 --quick --only PATTERN --beside DIR]: what
// a hit costs over HTTP, in CPU of the serving process.
// Each contestant runs on one core; wrk loads it from the other; rounds are interleaved, medians are shown.
import { spawnSync } from 'node:child_process';
import { resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { openDatabase, startService } from '../../load/instances.mjs';
import { startRedis } from '../../peers/redis.mjs';
import { MIDDLE_HALF, ratio, typical } from '../common/ratios.mjs';
import { circumstances, table, writeResults } from '../common/report.mjs';
import { interleaved } from '../common/rounds.mjs';
import { CASES, freePort, openContent, startServer } from './contestants.mjs';
import { load, measure, pin } from './measure.mjs';
import { startProxies } from './proxies.mjs';

const { values } = parseArgs({
  options: {
    seconds: { type: 'string' },
    rounds: { type: 'string' },
    /** Of each bare application, in turn. */
    processes: { type: 'string' },
    quick: { type: 'boolean', default: false },
    only: { type: 'string', default: '.' },
    connections: { type: 'string', default: '32' },
    /** Another checkout that has been built: its Strata takes part too. */
    beside: { type: 'string' },
  },
});
const seconds = Number(values.seconds ?? (values.quick ? 1 : 3));
const connections = Number(values.connections);
const rounds = Number(values.rounds ?? (values.quick ? 2 : 6));
const processes = Number(values.processes ?? (values.quick ? 1 : 2));
/** Until the compiler has done its work: what is measured is a service that runs. */
const WARM_UP_SECONDS = values.quick ? 1 : 5;
/** Before each run too: while a process is idle, V8 throws code away that it has to make again. */
const AGAIN_SECONDS = values.quick ? 0 : 2;
const PACKAGES = ['@nestjs/core', 'fastify', 'express', '@nestjs/cache-manager', 'cache-manager', '@keyv/redis'];
/** Bare applications beside `node:http`, which all are compared with; the quick form leaves some out. */
const NEST = 'Nest + Fastify';
const SERVERS = [NEST, 'Nest + Fastify, interceptor', 'Strata, fast lane', 'Strata, interceptor'];
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
  const tables = [];
  for (const what of chosen) {
    const takingPart = contestants.filter(({ name }) => TAKES_PART[what].test(name));
    tables.push(await compare(what, takingPart));
  }
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
    ...['node:http', ...others].map((name) => startAll(name, name, constants)),
    ...beside.map((name) => startAll(`beside: ${name}`, name, constants, { cwd: resolve(values.beside) })),
  ]);
  const proxies = await startProxies(servers[0].servers[0].url, freePort, isChosen);
  stops.push(...proxies.map(({ stop }) => stop));
  const contestants = [...servers, ...proxies.map((one) => ({ name: one.name, servers: [one] }))];
  const services = Object.entries({ ...SERVICE, ...(values.quick ? {} : FURTHER_SERVICE) });
  for (const [name, variables] of services.filter(([name]) => isChosen(name))) {
    const isFirst = name === 'service, fast lane';
    const one = isFirst ? service : await startService({ ...further.environment, ...variables });
    if (!isFirst) stops.push(one.stop);
    contestants.push({ name, servers: [one] });
  }
  return contestants;
}

async function startAll(label, name, constants, options) {
  const starting = Array.from({ length: processes }, () => startServer(name, constants, options));
  const servers = await Promise.all(starting);
  stops.push(...servers.map(({ stop }) => stop));
  return { name: label, servers };
}

async function compare(what, contestants) {
  const { path, headers } = CASES[what];
  const servers = contestants.flatMap((one) => one.servers);
  for (const { pid } of servers) pin(pid);
  for (const { url } of servers) load(url + path, headers, WARM_UP_SECONDS, connections);
  const run = ({ url, pid }) => {
    if (AGAIN_SECONDS > 0) load(url + path, headers, AGAIN_SECONDS, connections);
    return measure(url + path, headers, pid, seconds, connections);
  };
  const running = contestants.map((one) => ({
    name: one.name,
    processes: one.servers.map((server) => ({ run: () => run(server) })),
  }));
  const runs = await interleaved(running, rounds);
  const cpu = (one) => one.cpu;
  const rows = [...runs].map(([name, all]) => [
    name,
    typical(all, cpu).toFixed(1),
    ...ratio(all, runs.get('node:http'), cpu),
    ...(runs.has(NEST) ? ratio(all, runs.get(NEST), cpu) : []),
    Math.round(typical(all, ({ perSecond }) => perSecond)),
    ...[typical(all, ({ p50 }) => p50), typical(all, ({ p99 }) => p99)].map((ms) => ms.toFixed(2)),
  ]);
  const ratios = ['node:http', ...(runs.has(NEST) ? [NEST] : [])].flatMap((one) => [`times ${one}`, MIDDLE_HALF]);
  return table(what, ['contestant', 'CPU µs a request', ...ratios, 'requests/s', 'p50 ms', 'p99 ms'], rows);
}
