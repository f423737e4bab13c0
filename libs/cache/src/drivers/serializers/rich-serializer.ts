import SuperJSON from 'superjson';
import { countJsonValues, MAX_DEPTH } from '../../core/json-structure';
import type { Serializer } from '../../core/ports/serializer';
import { richCopy } from './rich-copy';

/** superjson walks and copies every value: so many times as dear as plain JSON (`npm run bench:hostile`). */
const COST_FACTOR = 8;
const rich = new SuperJSON();

rich.registerCustom<Buffer, string>(
  {
    isApplicable: (value): value is Buffer => Buffer.isBuffer(value),
    serialize: (buffer) => buffer.toString('base64'),
    deserialize: (text) => Buffer.from(text, 'base64'),
  },
  'buffer',
);

/**
 * Keeps what JSON loses: `Date`, `Map`, `Set`, `BigInt`, `Buffer`, `RegExp`, `URL`, `undefined` in objects.
 *
 * Such values cannot be frozen, so every reader gets a copy of its own: a hit costs a deep copy.
 */
export const richSerializer: Serializer = {
  id: 3,
  encode: (value) => Buffer.from(rich.stringify(value), 'utf8'),
  decode(bytes) {
    // superjson walks recursively: hostile nesting is refused before it could exhaust the stack.
    if (countJsonValues(bytes) === Infinity) throw new RangeError(`nested deeper than ${MAX_DEPTH} levels`);
    const value: unknown = rich.parse(bytes.toString('utf8'));
    // Tried once here, where a value that cannot be copied is a miss and not a reader's error.
    richCopy(value);
    return value;
  },
  countValues: (bytes, limit) => COST_FACTOR * countJsonValues(bytes, limit / COST_FACTOR),
  copy: (value) => richCopy(value),
  weigh: (value) => Math.ceil(rich.stringify(value).length * 2.5),
};
