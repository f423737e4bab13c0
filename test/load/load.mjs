// The workshop's load test: with the cache on and off, one after the other in the same run.
import { readArguments } from './arguments.mjs';
import { startInstances } from './instances.mjs';
import { runUsers } from './users.mjs';

const MIN_HIT_RATE = 0.9;
const WARM_UP_SECONDS = 3;
const { users, duration, url } = readArguments();
const own = url === undefined ? await startInstances() : { cached: url, uncached: undefined, stop: async () => {} };

const ms = (micros) => (micros / 1_000).toFixed(2).padStart(9);
const stats = async () => (await fetch(`${own.cached}/cache/stats`)).json();
const show = (label) => (result, left) =>
  process.stderr.write(
    `\r${label}: ${result.requests} requests, ${result.errors.length} errors, ${Math.max(0, left).toFixed(0)} s left `,
  );

let failures;
try {
  const before = await stats();
  // Not counted in the latencies (the hit rate does count it): both processes, and this one, compile their hot paths first.
  await runUsers(own.cached, users, WARM_UP_SECONDS, show('warm-up   '));
  if (own.uncached !== undefined) await runUsers(own.uncached, users, WARM_UP_SECONDS, show('warm-up   '));
  const on = await runUsers(own.cached, users, duration, show('cache on '));
  const after = await stats();
  const off = own.uncached === undefined ? undefined : await runUsers(own.uncached, users, duration, show('cache off'));
  failures = report(on, off, before, after);
} finally {
  await own.stop();
}
process.exit(failures.length === 0 ? 0 : 1);

function report(on, off, before, after) {
  process.stderr.write('\n');
  const row = (name, result) => {
    const { latency } = result;
    const [mean, ...rest] = [
      latency.mean,
      ...[50, 95, 99].map((p) => latency.getValueAtPercentile(p)),
      latency.maxValue,
    ];
    const rate = (result.requests / duration).toFixed(1).padStart(8);
    return `${name.padEnd(10)} ${String(result.requests).padStart(8)} ${rate} ${[mean, ...rest].map(ms).join(' ')} ${String(result.errors.length).padStart(7)}`;
  };
  const hits = after.cacheHits - before.cacheHits;
  const total = after.totalRequests - before.totalRequests;
  const hitRate = total === 0 ? 0 : hits / total;
  const lines = [
    `${users} users, ${duration} s each, 0.1–0.5 s of thinking; product : list : stats = 3 : 2 : 1; latency in ms of cached routes`,
    '           requests    req/s      mean       p50       p95       p99       max  errors',
    row('cache on', on),
    ...(off === undefined ? [] : [row('cache off', off)]),
    `hit rate ${(hitRate * 100).toFixed(2)} % (${hits} of ${total}, the first fill included)`,
    ...(off === undefined ? [] : [`mean cut to ${((on.latency.mean / off.latency.mean) * 100).toFixed(1)} %`]),
  ];
  process.stdout.write(`${lines.join('\n')}\n`);
  const problems = [
    ...(hitRate > MIN_HIT_RATE ? [] : [`hit rate ${hitRate} is not above ${MIN_HIT_RATE}`]),
    ...(off === undefined || on.latency.mean < off.latency.mean / 2 ? [] : ['the mean is not cut by half']),
    ...[...new Set([...on.errors, ...(off?.errors ?? [])])].slice(0, 5),
  ];
  for (const problem of problems) process.stdout.write(`FAILED: ${problem}\n`);
  return problems;
}
