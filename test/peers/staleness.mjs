// How many reads of each cache are older than the last finished write: npm run peers -- [--seconds 8]
// Three instances of each on one Redis, a database of versions, one writer and readers; first with no fault at
// all, then with subscriptions cut and Redis stopped for half a second now and then. Same load for everybody.
import { parseArgs } from 'node:util';
import { Redis } from 'ioredis';
import { CONTESTANTS } from './contestants.mjs';
import { sleep, startRedis } from './redis.mjs';

const { values } = parseArgs({ options: { seconds: { type: 'string', default: '8' } } });
const SECONDS = Number(values.seconds);
if (!(SECONDS > 0 && SECONDS <= 600)) throw new Error('usage: npm run peers -- [--seconds 8]   (up to 600)');
const INSTANCES = 3;
const KEYS = Array.from({ length: 10 }, (_, i) => `product:${i}`);
const READERS = 6;
const LIMIT_MS = 2_000;

const server = await startRedis();
process.on('unhandledRejection', () => undefined);
process.stdout.write(`${INSTANCES} instances of each, ${SECONDS} s without and ${SECONDS} s with faults\n`);
process.stdout.write(`${'cache'.padEnd(34)}    reads   stale |    reads   stale   slow/failed  (with faults)\n`);
try {
  for (const [name, open] of Object.entries(CONTESTANTS)) {
    const calm = await trial(open, false);
    const faulty = await trial(open, true);
    const figures = [calm.reads, calm.stale].map((n) => String(n).padStart(7)).join(' ');
    const withFaults = [faulty.reads, faulty.stale, faulty.failed].map((n) => String(n).padStart(7)).join(' ');
    process.stdout.write(`${name.padEnd(34)} ${figures} | ${withFaults}\n`);
  }
} finally {
  await server.stop();
}
process.exit(0);

async function trial(open, faulty) {
  await onServer((redis) => redis.flushall());
  const instances = [];
  for (let i = 0; i < INSTANCES; i++) instances.push(await open(server.port, { timeoutMs: 100, leaseMs: 1_000 }));
  await sleep(1_500);
  const database = new Map(KEYS.map((key) => [key, 0]));
  const finished = new Map(KEYS.map((key) => [key, 0]));
  const counts = { reads: 0, stale: 0, failed: 0 };
  let stopped = false;

  /** Reads the database at some moment of a load that takes 1 to 8 ms. */
  const load = async (key) => {
    await sleep(Math.random() * 4);
    const version = database.get(key);
    await sleep(Math.random() * 4);
    return { version };
  };
  const reader = async (instance) => {
    while (!stopped) {
      const key = KEYS[Math.floor(Math.random() * KEYS.length)];
      const floor = finished.get(key);
      const value = await inTime(instance.read(key, () => load(key)));
      if (value === undefined) counts.failed++;
      else {
        counts.reads++;
        if (value.version < floor) counts.stale++;
      }
      await sleep(Math.random() * 2);
    }
  };
  const writer = async () => {
    while (!stopped) {
      const key = KEYS[Math.floor(Math.random() * KEYS.length)];
      const version = database.get(key) + 1;
      database.set(key, version);
      const done = await inTime(
        pick(instances)
          .invalidate(key)
          .then((result) => ({ result })),
      );
      // Only a write whose invalidation returned, and was not called deferred, has promised anything.
      if (done !== undefined && done.result?.deferred !== true) finished.set(key, version);
      await sleep(20);
    }
  };
  const faults = async () => {
    while (!stopped && faulty) {
      await onServer((redis) => redis.client('KILL', 'TYPE', 'pubsub')).catch(() => undefined);
      await sleep(700);
      process.kill(server.pid, 'SIGSTOP');
      await sleep(500);
      process.kill(server.pid, 'SIGCONT');
      await sleep(800);
    }
  };
  const work = [writer(), faults(), ...instances.flatMap((one) => Array.from({ length: READERS }, () => reader(one)))];
  await sleep(SECONDS * 1_000);
  stopped = true;
  await Promise.race([Promise.all(work), sleep(5_000)]);
  await Promise.race([Promise.all(instances.map((one) => one.close())), sleep(1_000)]);
  return counts;
}

/** `undefined` when it fails or takes too long. */
async function inTime(operation) {
  return Promise.race([operation.catch(() => undefined), sleep(LIMIT_MS)]);
}

function pick(items) {
  return items[Math.floor(Math.random() * items.length)];
}

async function onServer(run) {
  const redis = new Redis(server.port);
  try {
    return await run(redis);
  } finally {
    redis.disconnect();
  }
}
