// L2: hits one at a time and 64 at a time, misses that are stored in all tiers, a stampede in one and four processes.
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { startRedis } from '../../peers/redis.mjs';
import { interleaved, perSecond, product } from '../common/rounds.mjs';
import { table } from '../common/report.mjs';
import { COALESCING, REMOTE } from './contestants.mjs';

const KEYS = 2_000;
const keys = Array.from({ length: KEYS }, (_, i) => `product:${i}`);

export async function remoteTier({ rounds, operations }) {
  const server = await startRedis();
  const contestants = await open(server.port);
  const measured = (run) =>
    interleaved(
      contestants.map((one) => ({ name: one.name, run: () => run(one) })),
      rounds,
    );
  const tables = [
    beside('L2 hit, 1 at a time', await measured((one) => hits(one, 1, operations / 20))),
    beside('L2 hit, 64 at a time', await measured((one) => hits(one, 64, operations / 4))),
    beside('miss, stored in all tiers, 64 at a time', await measured((one) => misses(one, operations / 20))),
  ];
  for (const { close } of contestants) await close();
  await server.stop();
  return [...tables, await stampedes()];
}

function beside(title, rates) {
  const rows = [...rates].map(([name, rate]) => [name, (rate / rates.get('ioredis')).toFixed(2), Math.round(rate)]);
  return table(title, ['contestant', 'of ioredis', 'ops/s'], rows);
}

async function open(port) {
  const contestants = [];
  for (const [name, start] of Object.entries(REMOTE)) {
    const one = await start(port);
    for (const [i, key] of keys.entries()) await one.load(key, async () => product(i));
    await one.settled?.();
    contestants.push({ name, ...one });
  }
  return contestants;
}

/** `lanes` readers at a time; what L1 has learnt is dropped before each pass over the keys. */
async function hits({ name, get, forget }, lanes, count) {
  const startedAt = performance.now();
  const passes = Math.ceil(count / KEYS);
  for (let pass = 0; pass < passes; pass++) {
    await forget?.();
    await inLanes(lanes, keys, async (key) => {
      if ((await get(key))?.price !== 9.99) throw new Error(`${name} has no ${key} in Redis`);
    });
  }
  return perSecond(passes * KEYS, startedAt);
}

let fresh = 0;

async function misses({ load, settled }, count) {
  const unseen = Array.from({ length: count }, () => `fresh:${fresh++}`);
  const startedAt = performance.now();
  await inLanes(64, unseen, (key) => load(key, async () => product(1)));
  await settled?.();
  return perSecond(count, startedAt);
}

async function inLanes(lanes, list, work) {
  let next = 0;
  const lane = async () => {
    while (next < list.length) await work(list[next++]);
  };
  await Promise.all(Array.from({ length: lanes }, lane));
}

/** 1 000 callers of one cold key, in one process and in four. */
async function stampedes() {
  const rows = [];
  for (const name of COALESCING) rows.push([name, await stampede(name, 1), await stampede(name, 4)]);
  return table('stampede: loads for 1 000 callers of one key', ['contestant', '1 process', '4 processes'], rows);
}

async function stampede(name, processes) {
  const server = await startRedis();
  const file = new URL('stampede-child.mjs', import.meta.url);
  const given = [name, String(server.port), String(1_000 / processes)];
  const children = Array.from({ length: processes }, () => fork(file, given));
  await Promise.all(children.map((child) => once(child, 'message')));
  for (const child of children) child.send('go');
  const loads = (await Promise.all(children.map((child) => once(child, 'message')))).map(([count]) => count);
  await Promise.all(children.map((child) => child.exitCode ?? once(child, 'exit')));
  await server.stop();
  return loads.reduce((sum, count) => sum + count, 0);
}
