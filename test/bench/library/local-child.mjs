// One contestant of local.mjs: node local-child.mjs <name> <operations>; is told `zipf` or `one`, answers hits a second.
import { perSecond, product, zipf } from '../common/rounds.mjs';
import { KEYS, LOCAL } from './local-contestants.mjs';

const [, , name, operations] = process.argv;
const keys = Array.from({ length: KEYS }, (_, i) => `product:${i}`);
const lists = {
  zipf: zipf(KEYS, 0.99, Number(operations)).map((i) => keys[i]),
  one: Array.from({ length: Number(operations) }, () => keys[7]),
};
const { fill, read, isSync = false } = await LOCAL[name]();
for (const [i, key] of keys.entries()) await fill(key, product(i));

process.on('message', async (which) => {
  globalThis.gc();
  process.send(await (isSync ? sync : each)(lists[which]));
});
process.on('disconnect', () => process.exit(0));
process.send('ready');

/** A tenth of it before the clock runs: what ran before has taken the processor's caches, and some of the compiled code. */
async function each(list) {
  for (const key of list.slice(0, list.length / 10)) await read(key);
  const startedAt = performance.now();
  for (const key of list) await read(key);
  return perSecond(list.length, startedAt);
}

function sync(list) {
  const startedAt = performance.now();
  let found = 0;
  for (const key of list) if (read(key) !== undefined) found++;
  if (found !== list.length) throw new Error('not warm');
  return perSecond(list.length, startedAt);
}
