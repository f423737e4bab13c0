// npm run soak [-- --minutes 10]: does anything grow that should not? Churn without a pause, connections to Redis cut
// every minute, a sample after a full collection every few seconds; the first third is left out.
import { Redis } from 'ioredis';
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { openDatabase } from '../load/instances.mjs';
import { seeded } from '../load/random.mjs';
import { startRedis } from '../peers/redis.mjs';
import { churn } from './churn.mjs';
import { sparkline, writeReport } from './report.mjs';
import { theilSen } from './slope.mjs';

const require = createRequire(import.meta.url);
const { freePort } = require(join(process.cwd(), 'dist/apps/api/src/embedded/free-port.js'));
const values = readArguments();
const seconds = Number(values.minutes) * 60;
const SAMPLE_EVERY = Math.max(2, seconds / 60);
/** A slope through fewer says nothing: where each takes long, the churn goes on until there are so many. */
const FEWEST_SAMPLES = 12;
const RECONNECT_EVERY = Math.min(60, seconds / 4);
const MOST_MB_PER_HOUR = 0.5;

process.exitCode = await main();

function readArguments() {
  try {
    const given = parseArgs({
      options: {
        minutes: { type: 'string', default: '10' },
        lanes: { type: 'string', default: '8' },
        report: { type: 'string', default: 'reports/soak.html' },
        json: { type: 'boolean', default: false },
      },
    }).values;
    if (!(given.minutes >= 0.5 && given.minutes <= 1_440)) throw new Error('--minutes is a number from 0.5 to 1440');
    if (!/^[1-9]\d?$/.test(given.lanes)) throw new Error('--lanes is a whole number from 1 to 99');
    return given;
  } catch (error) {
    process.stderr.write(
      `${error.message}\nusage: npm run soak [-- --minutes 10] [--lanes 8] [--report FILE] [--json]\n`,
    );
    process.exit(2);
  }
}

async function main() {
  const redis = await startRedis();
  const database = await openDatabase(100);
  const port = await freePort();
  const child = start(port, redis.port, database.environment);
  try {
    const [first] = await Promise.race([once(child, 'message'), once(child, 'exit')]);
    if (first?.ready !== true) throw new Error('the service did not start');
    const load = churn(`http://127.0.0.1:${port}`, Number(values.lanes), database.token, seeded(1));
    const samples = await watch(child, redis.port, load);
    await load.stop();
    samples.push({ at: seconds, atRest: true, ...(await sampleOf(child)) });
    child.send('stop');
    await once(child, 'exit');
    return report(samples, load.counts);
  } finally {
    child.kill('SIGKILL');
    await database.stop();
    await redis.stop();
  }
}

function start(port, redisPort, environment) {
  const env = {
    ...environment,
    PORT: String(port),
    REDIS_URL: `redis://127.0.0.1:${redisPort}`,
    CACHE_L1_MAX_ENTRIES: '2000',
    CACHE_TTL: '20s',
    CACHE_NEGATIVE_TTL: '5s',
    LOG_LEVEL: 'fatal',
  };
  // Else V8 throws code away after some collections and makes it again, and its feedback with it, which is growth of the
  // heap that no request has left behind.
  return fork(join(import.meta.dirname, 'child.mjs'), [], {
    env,
    execArgv: ['--expose-gc', '--no-warnings', '--no-flush-bytecode'],
  });
}

async function sampleOf(child) {
  child.send('sample');
  const [{ sample }] = await once(child, 'message');
  return sample;
}

async function watch(child, redisPort, load) {
  const samples = [];
  const startedAt = performance.now();
  const elapsed = () => (performance.now() - startedAt) / 1_000;
  let reconnected = 0;
  while (elapsed() < seconds || samples.length < FEWEST_SAMPLES) {
    await new Promise((resolve) => setTimeout(resolve, SAMPLE_EVERY * 1_000));
    samples.push({ at: elapsed(), ...(await sampleOf(child)) });
    if (elapsed() > (reconnected + 1) * RECONNECT_EVERY) {
      reconnected++;
      await cutConnections(redisPort);
    }
    if (!values.json) {
      const left = Math.max(0, seconds - elapsed()).toFixed(0);
      process.stderr.write(`\r${load.counts.requests} requests, ${reconnected} reconnects, ${left} s left   `);
    }
  }
  if (!values.json) process.stderr.write('\n');
  return samples;
}

/** Every connection but our own, at once and without a goodbye. */
async function cutConnections(port) {
  const client = new Redis(port);
  for (const type of ['normal', 'pubsub']) await client.call('CLIENT', 'KILL', 'TYPE', type, 'SKIPME', 'yes');
  client.disconnect();
}

function report(samples, counts) {
  const steady = samples.filter(({ at, atRest }) => at > seconds / 3 && !atRest);
  const slopes = ['heapUsed', 'external'].map((name) => {
    const perSecond = theilSen(steady.map((sample) => ({ x: sample.at, y: sample[name] })));
    const [slope, low, high] = ['slope', 'low', 'high'].map((part) => (perSecond[part] * 3_600) / 1e6);
    return { name, slope, low, high, grows: low > 0 && slope > MOST_MB_PER_HOUR };
  });
  if (values.json) {
    process.stdout.write(`${JSON.stringify({ samples, requests: counts.requests, failures: [...counts.failures] })}\n`);
    return 0;
  }
  const lines = [
    `${counts.requests} requests in ${seconds} s, ${steady.at(-1).outages} outages of Redis, ${steady.length} samples after a third of the time`,
    ...slopes.map(({ name, slope, low, high, grows }) => {
      const series = sparkline(steady.map((sample) => sample[name]));
      return `${name.padEnd(8)} ${slope.toFixed(2)} MB/h (95 %: ${low.toFixed(2)} … ${high.toFixed(2)})  ${grows ? 'GROWS' : 'steady'}  ${series}`;
    }),
    `active   ${JSON.stringify(steady[0].resources)} → ${JSON.stringify(steady.at(-1).resources)}`,
    `at rest  ${JSON.stringify(samples.at(-1).resources)}, alive ${JSON.stringify(samples.at(-1).alive)}`,
    `tables   ${JSON.stringify(samples.at(-1).tables)}`,
    ...[...counts.failures].map(([text, count]) => `failed   ${text} (${count} times)`),
  ];
  process.stdout.write(`${lines.join('\n')}\n`);
  writeReport(values.report, samples, lines.join('\n'));
  process.stdout.write(`report: ${values.report}\n`);
  return slopes.some(({ grows }) => grows) || counts.failures.size > 0 ? 1 : 0;
}
