// What a hung Redis, our own pauses and a stampede cost. Run by `npm run bench:resilience`.
// Open loop: a request is due when the clock says so, and its latency counts from then.
import { build } from 'hdr-histogram-js';
import { CONTESTANTS, strata } from '../peers/contestants.mjs';
import { sleep, startRedis } from '../peers/redis.mjs';

const RATE = 500;
const HANG_SECONDS = 10;
const TIMEOUT_MS = 25;
const server = await startRedis();

try {
  await hang();
  await pauses();
  await stampede();
} finally {
  await server.stop();
}
process.exit(0);

/** Latency of reads of cold keys while Redis is stopped with SIGSTOP, for each contestant in turn. */
async function hang() {
  let n = 0;
  const load = () => sleep(1).then(() => 'value');
  process.stdout.write(
    `Redis hangs for ${HANG_SECONDS} s; ${RATE} reads of cold keys a second, the load takes 1 ms; latency in ms\n`,
  );
  process.stdout.write(`${' '.repeat(42)}     p50      p99    p99.9      max   > 40 ms   errors\n`);
  for (const [name, open] of Object.entries(CONTESTANTS)) {
    const contestant = await open(server.port, { timeoutMs: TIMEOUT_MS });
    const read = () => contestant.read(`cold:${n++}`, load);
    line(`${name}, healthy`, await openLoop(read, 2));
    process.kill(server.pid, 'SIGSTOP');
    const waiting = openLoop(read, HANG_SECONDS);
    await sleep(HANG_SECONDS * 1_000);
    process.kill(server.pid, 'SIGCONT');
    line(`${name}, hung`, await waiting);
    await sleep(1_500);
    // Some of them never end a connection that had to wait.
    await Promise.race([contestant.close(), sleep(1_000)]);
  }
}

async function openLoop(read, seconds) {
  const latency = build({ maxValue: 60_000_000, numberOfSignificantValueDigits: 3 });
  const open = [];
  let errors = 0;
  const startedAt = performance.now();
  for (let i = 0; i < RATE * seconds; i++) {
    const due = startedAt + (i * 1_000) / RATE;
    while (performance.now() < due) await sleep(Math.max(0, due - performance.now()));
    open.push(
      read()
        .then(
          () => undefined,
          () => errors++,
        )
        .then(() => latency.recordValue(Math.max(1, Math.round((performance.now() - due) * 1_000)))),
    );
  }
  await Promise.all(open);
  return { latency, errors };
}

function line(name, { latency, errors }) {
  const ms = (micros) => (micros / 1_000).toFixed(1).padStart(8);
  const over = [];
  for (let p = 0; p <= 100; p += 0.01) over.push(latency.getValueAtPercentile(p));
  const slow = Math.round((over.filter((value) => value > 40_000).length / over.length) * latency.totalCount);
  const values = [50, 99, 99.9].map((p) => ms(latency.getValueAtPercentile(p))).join(' ');
  process.stdout.write(
    `${name.padEnd(42)} ${values} ${ms(latency.maxValue)} ${String(slow).padStart(9)} ${String(errors).padStart(8)}\n`,
  );
}

/** Our own loop blocked 100 times for 150 ms with commands in flight: the breaker must not open. */
async function pauses() {
  const { cache, driver, close } = await strata(server.port, { timeoutMs: TIMEOUT_MS });
  let trips = 0;
  let falseMisses = 0;
  driver.link.onChange({ breakerChanged: (state) => state === 'open' && trips++ });
  for (let i = 0; i < 200; i++) await cache.set(`kept:${i}`, i);
  for (let i = 0; i < 100; i++) {
    cache.clearLocal();
    const read = cache.fetch(`kept:${i}`, () => 'loaded');
    const until = performance.now() + 150;
    while (performance.now() < until);
    if ((await read).source !== 'L2') falseMisses++;
  }
  await close();
  process.stdout.write(
    `\n100 pauses of 150 ms of our own loop, timeout ${TIMEOUT_MS} ms: breaker opened ${trips} times, ${falseMisses} false misses\n`,
  );
}

/** 16 instances, 200 callers each, one cold key. */
async function stampede() {
  const fleet = [];
  for (let i = 0; i < 16; i++) fleet.push(await strata(server.port));
  let loads = 0;
  const load = () => (loads++, sleep(50).then(() => 'value'));
  const reads = fleet.flatMap(({ cache }) => Array.from({ length: 200 }, () => cache.getOrSet('hot', load)));
  const values = new Set(await Promise.all(reads));
  process.stdout.write(`16 instances × 200 callers of one cold key: ${loads} load(s), ${values.size} value(s)\n`);
  await Promise.all(fleet.map((one) => one.close()));
}
