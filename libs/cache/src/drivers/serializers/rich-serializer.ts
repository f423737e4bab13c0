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

/** A value that {@link richSerializer} cannot carry: nested too deeply, or with names that could reach a prototype. */
export class RichValueError extends Error {
  constructor(cause: unknown) {
    super(`a value that cannot be kept: ${cause instanceof Error ? cause.message : String(cause)}`, { cause });
  }
}

/**
 * Keeps what JSON loses: `Date`, `Map`, `Set`, `BigInt`, `Buffer`, `RegExp`, `URL`, `undefined` in objects. Instances of
 * classes become plain objects (what their `toJSON` makes of them, where they have one).
 *
 * Such values cannot be frozen, so every reader gets a copy of its own: a hit costs a deep copy.
 */
export const richSerializer: Serializer = {
  id: 3,
  encode: (value) => carried(() => Buffer.from(rich.stringify(richCopy(value)), 'utf8')),
  decode: (bytes) =>
    carried(() => {
      // superjson walks recursively: hostile nesting is refused before it could exhaust the stack.
      if (countJsonValues(bytes) === Infinity) throw new RangeError(`nested deeper than ${MAX_DEPTH} levels`);
      const value: unknown = rich.parse(bytes.toString('utf8'));
      // Tried once here, where a value that cannot be copied is a miss and not a reader's error.
      richCopy(value);
      return value;
    }),
  countValues: (bytes, limit) => COST_FACTOR * countJsonValues(bytes, limit / COST_FACTOR),
  copy: (value) => richCopy(value),
  weigh: (value) => Math.ceil(rich.stringify(value).length * 2.5),
};

/** @throws RichValueError for whatever goes wrong */
function carried<R>(work: () => R): R {
  try {
    return work();
  } catch (error) {
    throw new RichValueError(error);
  }
}
