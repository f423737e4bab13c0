// Is the byte bound of L1 true? Fills L1 with shapes of content and compares what is accounted with
// what heap and external memory have grown by. Run by `npm run bench:memory` (needs --expose-gc).
import { createRequire } from 'node:module';
import { join } from 'node:path';

const require = createRequire(import.meta.url);
const dist = join(process.cwd(), 'dist/libs/cache/src');
const { Strata, systemClock } = require(join(dist, 'core/index.js'));
const { LruLocalStore } = require(join(dist, 'drivers/memory/lru-local-store.js'));
const { nullBus, nullRemoteStore } = require(join(dist, 'drivers/null/index.js'));
const { representationSerializer } = require(join(dist, 'nest/representation-serializer.js'));

const { fastifyHead, preparedFor } = require(join(dist, 'nest/prepared-answers.js'));
const { EncodedForms } = require(join(dist, 'http/encoded-forms.js'));

const BOUND = 64 * 1_048_576;
const text = (alphabet, length, seed) => {
  let out = '';
  for (let i = 0; i < length; i++) out += alphabet[(seed * 31 + i * 7) % alphabet.length];
  return out;
};
const LATIN = 'abcdefghijklmnopqrstuvwxyz0123456789';
const GREEK = 'αβγδεζηθικλμνξοπρστυφχψω';

const product = (i) => ({
  id: i,
  name: text(LATIN, 30, i),
  description: text(LATIN, 300, i),
  price: i + 0.5,
  category: 'books',
  inStock: true,
  createdAt: '2026-01-01T00:00:00.000Z',
  updatedAt: new Date(i * 1_000).toISOString(),
});

const answer = (i, length) => ({
  status: 200,
  headers: { 'content-type': 'application/json; charset=utf-8', etag: `"${text(LATIN, 22, i)}"` },
  body: Buffer.from(text(LATIN, length, i)),
  forms: new EncodedForms(),
});
const operation = { headers: { 'cache-control': 'no-cache' }, vary: [], hasDefaultControl: true, surrogateKeys: false };

/** As the second hits of an answer do: one in full, and one 304 where it is asked for. */
function prepare(cache, key, validators) {
  const entry = cache.shared.fresh(key, []);
  for (const headers of [{}, ...validators])
    preparedFor(operation, entry, fastifyHead, Date.now()).make({ operation, request: { headers } }, entry, () =>
      cache.reweigh(key, entry.value),
    );
}

const HTTP = { serializer: representationSerializer };
const SHAPES = [
  ['ASCII JSON, 2 KB', (i) => `{"id":${i},"text":"${text(LATIN, 2_000, i)}"}`],
  ['non-Latin JSON, 1000 characters', (i) => `{"id":${i},"text":"${text(GREEK, 1_000, i)}"}`],
  ['25-byte strings', (i) => text(LATIN, 25, i) + i],
  ['parsed objects, a product', product],
  ['the same, each read once', product, { then: (cache, key) => cache.get(key) }],
  [
    'buffers, 2 KB',
    (i) => ({ status: 200, headers: {}, body: Buffer.from(text(LATIN, 2_048, i)), forms: { bytes: 0 } }),
    HTTP,
  ],
  ['HTTP answers, 400 bytes', (i) => answer(i, 400), HTTP],
  ['the same, hit twice', (i) => answer(i, 400), { ...HTTP, then: (cache, key) => prepare(cache, key, []) }],
  [
    'of 100 bytes, a 304 of each too',
    (i) => answer(i, 100),
    { ...HTTP, then: (cache, key) => prepare(cache, key, [{ 'if-none-match': '*' }]) },
  ],
];

const used = () => {
  for (let i = 0; i < 4; i++) globalThis.gc();
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
};

process.stdout.write(`Node ${process.version}; L1 bound ${BOUND / 1_048_576} MiB\n`);
process.stdout.write('shape                                entries  accounted MB     real MB   ratio  B/entry\n');
let wrong = 0;
for (const [name, make, { then, ...options } = {}] of SHAPES) {
  const strata = new Strata({
    remote: nullRemoteStore(),
    bus: nullBus(),
    createLocalStore: (bounds, listener) => new LruLocalStore(bounds, listener, systemClock),
    coherence: 'off',
  });
  const cache = strata.cache('memory', { ttl: '1h', maxEntries: 10_000_000, maxBytes: BOUND, ...options });
  // Once through everything first: compiled code and shapes are not the entries' memory.
  for (let i = 0; i < 200; i++) await cache.getOrSet(`warm:${i}`, () => make(i));
  cache.clearLocal();
  await cache.settled();
  const before = used();
  for (let i = 0; cache.counters.local.evictions === 0; i++) {
    await cache.getOrSet(`product:${i}`, () => make(i));
    await then?.(cache, `product:${i}`);
  }
  await cache.settled();
  const real = used() - before;
  const { size, bytes } = cache.localUsage;
  const ratio = real / bytes;
  if (ratio < 0.9 || ratio > 1.1) wrong++;
  const mb = (value) => (value / 1e6).toFixed(1).padStart(11);
  const figures = `${String(size).padStart(8)}  ${mb(bytes)} ${mb(real)} ${ratio.toFixed(2).padStart(7)} ${(real / size).toFixed(0).padStart(8)}`;
  process.stdout.write(`${name.padEnd(36)}${figures}\n`);
  await strata.close();
  cache.clearLocal();
}
process.exit(wrong === 0 ? 0 : 1);
