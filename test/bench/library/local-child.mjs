// One contestant of local.mjs: node local-child.mjs <name> <ms>; is told `zipf` or `one`, answers hits a second.
import { perSecond, product, zipf } from '../common/rounds.mjs';
import { KEYS, LOCAL } from './local-contestants.mjs';

/** Keys that are read between two looks at the clock. */
const PART = 2_000;
const [, , name, ms] = process.argv;
const keys = Array.from({ length: KEYS }, (_, i) => `product:${i}`);
const parts = {
  zipf: inParts(zipf(KEYS, 0.99, 100 * PART).map((i) => keys[i])),
  one: inParts(Array.from({ length: PART }, () => keys[7])),
};
const { fill, read, isSync = false } = await LOCAL[name]();
for (const [i, key] of keys.entries()) await fill(key, product(i));

process.on('message', async (which) => {
  const run = isSync ? sync : each;
  globalThis.gc();
  // What ran before has taken the processor's caches, and some of the compiled code.
  await run(parts[which], Number(ms) / 10);
  process.send(await run(parts[which], Number(ms)));
});
process.on('disconnect', () => process.exit(0));
process.send('ready');

function inParts(list) {
  return Array.from({ length: list.length / PART }, (_, i) => list.slice(i * PART, (i + 1) * PART));
}

/** All the same time: with a number of reads, the fastest would be over before anything evens out. */
async function each(lists, duration) {
  const startedAt = performance.now();
  let count = 0;
  do for (const key of lists[count++ % lists.length]) await read(key);
  while (performance.now() - startedAt < duration);
  return perSecond(count * PART, startedAt);
}

function sync(lists, duration) {
  const startedAt = performance.now();
  let [count, found] = [0, 0];
  do for (const key of lists[count++ % lists.length]) if (read(key) !== undefined) found++;
  while (performance.now() - startedAt < duration);
  if (found !== count * PART) throw new Error('not warm');
  return perSecond(found, startedAt);
}
