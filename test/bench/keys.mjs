// What a key costs: 64 KiB of input through the key functions, beside a SHA-256 of the same bytes.
import { createHash } from 'node:crypto';
import { createRequire } from 'node:module';

const require = createRequire(import.meta.url);
const { canonicalKey } = require('../../dist/libs/cache/src/http/canonical-key.js');
const { encodeValue } = require('../../dist/libs/cache/src/core/encode-value.js');
const { tagOfKey } = require('../../dist/libs/cache/src/core/coherence/tags.js');

const SIZE = 65_536;
const one = 'x'.repeat(SIZE);
const many = Object.fromEntries(Array.from({ length: 1_024 }, (_, i) => [`p${i}`, 'y'.repeat(SIZE / 1_024)]));
const wide = '€'.repeat(SIZE / 3);
const contestants = {
  'SHA-256 of 64 KiB': () => createHash('sha256').update(one).digest('base64url'),
  'default key, one value': () => encodeValue({ q: one }),
  'default key, 1024 values': () => encodeValue(many),
  'default key, 3-byte characters': () => encodeValue({ q: wide }),
  'canonicalKey, one value': () => canonicalKey('search', { q: one }),
  'canonicalKey, 1024 values': () => canonicalKey('search', many),
  'canonicalKey, 3-byte characters': () => canonicalKey('search', { q: wide }),
  'digest in the tag of a long key': () => tagOfKey('http', one),
};

const rounds = 7;
const times = Object.fromEntries(Object.keys(contestants).map((name) => [name, []]));
for (let round = 0; round < rounds; round++) {
  for (const [name, run] of Object.entries(contestants)) {
    const calls = 50;
    for (let i = 0; i < 20; i++) run();
    const startedAt = performance.now();
    for (let i = 0; i < calls; i++) run();
    times[name].push((performance.now() - startedAt) / calls);
  }
}
const median = (list) => list.sort((a, b) => a - b)[Math.floor(list.length / 2)];
const limit = median([...times['SHA-256 of 64 KiB']]);
for (const [name, list] of Object.entries(times)) {
  const ms = median(list);
  process.stdout.write(
    `${name.padEnd(34)} ${(ms * 1_000).toFixed(0).padStart(6)} µs  ${(ms / limit).toFixed(2)} × SHA-256\n`,
  );
}
