// What warming is worth: npm run bench:warm [-- --rate 300 --products 1000 --seconds 10]
// An instance is replaced under load; counted is where the answers of the new one come from in its first seconds.
import { Redis } from 'ioredis';
import { parseArgs } from 'node:util';
import { Client } from '../load/client.mjs';
import { openDatabase, startService } from '../load/instances.mjs';
import { mixOf } from '../load/mix.mjs';
import { Monitor } from '../load/monitor.mjs';
import { runOpenLoop } from '../load/open-loop.mjs';
import { seeded } from '../load/random.mjs';
import { Recorder } from '../load/recorder.mjs';
import { percent } from '../load/summary.mjs';
import { startRedis } from '../peers/redis.mjs';

const { values } = parseArgs({
  options: {
    rate: { type: 'string', default: '300' },
    products: { type: 'string', default: '1000' },
    seconds: { type: 'string', default: '10' },
  },
});
const [rate, products, seconds] = [values.rate, values.products, values.seconds].map(Number);
const LIFE_BEFORE_SECONDS = 10;

process.stdout.write(
  `${rate} requests a second, ids 1–${products} by Zipf 0.99; the first ${seconds} s of an instance that replaces another\n`,
);
const rows = [['Redis', 'warming', 'hit rate', 'L1', 'L2', 'loaded', 'p50 ms', 'p99 ms', 'start ms']];
for (const keepsEntries of [true, false]) {
  for (const keys of ['1000', '0']) rows.push(await scenario(keepsEntries, keys));
}
const widths = rows[0].map((_, column) => Math.max(...rows.map((row) => row[column].length)));
for (const row of rows) process.stdout.write(`${row.map((cell, at) => cell.padStart(widths[at])).join('  ')}\n`);

async function scenario(keepsEntries, keys) {
  const redis = await startRedis();
  const database = await openDatabase(products);
  const env = { ...database.environment, REDIS_URL: `redis://127.0.0.1:${redis.port}`, CACHE_WARM_KEYS: keys };
  try {
    const old = await startService(env);
    await load(old.url, LIFE_BEFORE_SECONDS, 1);
    await old.stop();
    if (!keepsEntries) await forgetEntries(redis.port);
    const startedAt = performance.now();
    const fresh = await startService(env);
    const startMs = performance.now() - startedAt;
    const monitor = new Monitor(fresh.url);
    await monitor.start();
    const { latency } = await load(fresh.url, seconds, 2);
    await monitor.stop();
    await fresh.stop();
    const { hitRate, l1, l2, missed } = monitor.tiers().total;
    const times = [50, 99].map((p) => (latency.getValueAtPercentile(p) / 1_000).toFixed(2));
    const shares = [hitRate, l1, l2, missed].map(percent);
    const where = keepsEntries ? 'kept its entries' : 'lost its entries';
    return [where, keys === '0' ? 'off' : 'on', ...shares, ...times, startMs.toFixed(0)];
  } finally {
    await database.stop();
    await redis.stop();
  }
}

async function load(url, duration, seed) {
  const random = seeded(seed);
  const recorder = new Recorder();
  const client = new Client(url, 64);
  const next = mixOf({ products, rate, zipf: 0.99, writes: 0 }, random);
  await runOpenLoop({ client, next, recorder, random, rate, seconds: duration });
  await client.close();
  if (recorder.errorCount > 0) throw new Error([...recorder.errors.keys()].join('; '));
  return recorder;
}

/** Entries go; versions, and what was hot, stay: as after an eviction or a new wire format. */
async function forgetEntries(port) {
  const client = new Redis(port);
  const names = await client.keys('*:entry:*');
  await client.del(...names);
  client.disconnect();
}
