// How cost grows with what there is of something: one line of points each, and its exponent.
import { strata } from '../../peers/contestants.mjs';
import { startRedis } from '../../peers/redis.mjs';
import { exponent, perSecond, product } from '../common/rounds.mjs';
import { median, table } from '../common/report.mjs';
import { openStrata } from './local-contestants.mjs';

export async function growth({ rounds, operations, largest }) {
  const server = await startRedis();
  const own = await strata(server.port);
  const rows = [
    line('L1 hit against entries', await overEntries(rounds, operations, largest)),
    line('L1 hit against tags of the entry', await overTags(rounds, operations)),
    line('L1 hit against tags invalidated', await overInvalidated(own, rounds, operations, largest / 10)),
    line('invalidation against tags given', await overGiven(own, rounds, operations / 400)),
    line('invalidation against instances', await overInstances(own, rounds, operations / 400)),
    line('L2 batch against keys', await overBatch(own, rounds)),
  ];
  await own.close();
  await server.stop();
  return [table('growth: microseconds', ['what', 'exponent', 'points (size: µs)'], rows)];
}

/** `n` counts from 1 in the fit, so that "none" is a point too. */
function line(what, points) {
  const shown = points.map(([n, micros]) => `${n}: ${micros.toFixed(2)}`).join('  ');
  return [what, exponent(points.map(([n, micros]) => [Math.max(n, 1), micros])).toFixed(2), shown];
}

async function micros(rounds, count, work) {
  const runs = [];
  await work();
  for (let round = 0; round < rounds; round++) {
    const startedAt = performance.now();
    await work();
    runs.push(1e6 / perSecond(count, startedAt));
  }
  return median(runs);
}

/** The same thousand keys are read, however many others there are: what is measured is not the processor's cache. */
async function overEntries(rounds, operations, largest) {
  const points = [];
  for (let size = 1_000; size <= largest; size *= 10) {
    const { cache, instance } = openStrata('acknowledged');
    for (let i = 0; i < size; i++) await cache.getOrSet(`k${i}`, () => i);
    const read = () => {
      for (let i = 0; i < operations; i++) cache.peek(`k${i % 1_000}`);
    };
    points.push([size, await micros(rounds, operations, read)]);
    await instance.close();
  }
  return points;
}

async function overTags(rounds, operations) {
  const points = [];
  for (const count of [0, 1, 2, 4, 8, 16]) {
    const { cache, instance } = openStrata('acknowledged');
    const tags = Array.from({ length: count }, (_, i) => `tag${i}`);
    await cache.getOrSet('k', () => 1, { tags });
    const read = () => {
      for (let i = 0; i < operations; i++) cache.peek('k', { tags });
    };
    points.push([count, await micros(rounds, operations, read)]);
    await instance.close();
  }
  return points;
}

/** Of tags that the entry does not have, all heard since it was stored; the table of tags holds 100 000. */
async function overInvalidated({ instance, cache }, rounds, operations, most) {
  const points = [];
  await cache.getOrSet('unharmed', () => 1);
  let heard = 0;
  for (let count = 10; count <= most; count *= 10) {
    while (heard < count) {
      const tags = Array.from({ length: Math.min(250, count - heard) }, () => `invalidated${heard++}`);
      await instance.invalidateTags(tags);
    }
    const read = () => {
      for (let i = 0; i < operations; i++) if (cache.peek('unharmed') !== 1) throw new Error('no hit');
    };
    points.push([count, await micros(rounds, operations, read)]);
  }
  return points;
}

async function overGiven({ instance }, rounds, times) {
  const points = [];
  for (const count of [1, 4, 16, 64, 256]) {
    const tags = Array.from({ length: count }, (_, i) => `given${i}`);
    const invalidate = async () => {
      for (let i = 0; i < times; i++) await instance.invalidateTags(tags);
    };
    points.push([count, await micros(rounds, times, invalidate)]);
  }
  return points;
}

/**
 * All in this process: what one core pays for the writer, and for each instance that hears and acknowledges. The time
 * that a writer waits with each on a core of its own is `npm run bench:acknowledge`.
 */
async function overInstances({ instance, driver }, rounds, times) {
  const port = driver.link.client.options.port;
  const others = [];
  const points = [];
  for (const count of [1, 2, 4, 8, 16]) {
    while (others.length + 1 < count) others.push(await strata(port));
    const invalidate = async () => {
      for (let i = 0; i < times; i++) await instance.invalidateTags(['of-instances']);
    };
    points.push([count, await micros(rounds, times, invalidate)]);
  }
  for (const { close } of others) await close();
  return points;
}

async function overBatch({ cache }, rounds) {
  const points = [];
  for (const count of [1, 4, 16, 64, 256]) {
    const keys = Array.from({ length: count }, (_, i) => `batch${count}:${i}`);
    for (const [i, key] of keys.entries()) await cache.getOrSet(key, () => product(i));
    await cache.settled();
    const read = async () => {
      for (let i = 0; i < 50; i++) {
        cache.clearLocal();
        await cache.getMany(keys);
      }
    };
    points.push([count, await micros(rounds, 50, read)]);
  }
  return points;
}
