// One contestant of remote.mjs: node remote-child.mjs <name> <port>; is told what to do, and answers operations a second
// and the µs of CPU that an operation costs this process and Redis.
import { Redis } from 'ioredis';
import { perSecond, product } from '../common/rounds.mjs';
import { REMOTE } from './contestants.mjs';

const KEYS = 2_000;
const keys = Array.from({ length: KEYS }, (_, i) => `product:${i}`);
const [, , name, port] = process.argv;
const { get, load, forget, settled } = await REMOTE[name](Number(port));
let fresh = 0;

/** `lanes` readers at a time; what L1 has learnt is dropped before each pass over the keys. */
async function hits(count, lanes) {
  const startedAt = performance.now();
  for (let left = count; left > 0; left -= KEYS) {
    await forget?.();
    await inLanes(lanes, keys.slice(0, left), async (key) => {
      if ((await get(key))?.price !== 9.99) throw new Error(`${name} has no ${key} in Redis`);
    });
  }
  return perSecond(count, startedAt);
}

async function misses(count, lanes) {
  const unseen = Array.from({ length: count }, () => `fresh:${fresh++}`);
  const startedAt = performance.now();
  await inLanes(lanes, unseen, (key) => load(key, async () => product(1)));
  await settled?.();
  return perSecond(count, startedAt);
}

const observer = new Redis(Number(port));

async function serverMicros() {
  const info = await observer.info('cpu');
  const seconds = ['user', 'sys'].map((kind) => Number(new RegExp(`used_cpu_${kind}:([\\d.]+)`).exec(info)[1]));
  return (seconds[0] + seconds[1]) * 1e6;
}

async function inLanes(lanes, list, work) {
  let next = 0;
  const lane = async () => {
    while (next < list.length) await work(list[next++]);
  };
  await Promise.all(Array.from({ length: lanes }, lane));
}

for (const [i, key] of keys.entries()) await load(key, async () => product(i));
await settled?.();
process.on('message', async ({ what, count, lanes }) => {
  const run = { hits, misses }[what];
  // Of the profiler.
  if (run === undefined) return;
  globalThis.gc();
  // A collection makes the heap small; one that serves has grown.
  await run(count / 2, lanes);
  const [own, server] = [process.cpuUsage(), await serverMicros()];
  const rate = await run(count, lanes);
  const { user, system } = process.cpuUsage(own);
  process.send({ rate, own: (user + system) / count, server: ((await serverMicros()) - server) / count });
});
process.on('disconnect', () => process.exit(0));
process.send('ready');
