import SuperJSON from 'superjson';
import type { Serializer } from '../../core/ports/serializer';
import { richCopy } from './rich-copy';

const MAX_DEPTH = 256;
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
    const text = bytes.toString('utf8');
    refuseDeepNesting(text);
    const value: unknown = rich.parse(text);
    // Tried once here, where a value that cannot be copied is a miss and not a reader's error.
    richCopy(value);
    return value;
  },
  copy: (value) => richCopy(value),
  weigh: (value) => Math.ceil(rich.stringify(value).length * 2.5),
};

/** superjson walks recursively: hostile nesting is refused before it could exhaust the stack. */
function refuseDeepNesting(text: string): void {
  let depth = 0;
  let quoted = false;
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if (code === 34) quoted = !quoted;
    else if (code === 92) i++;
    else if (!quoted && (code === 91 || code === 123) && ++depth > MAX_DEPTH) {
      throw new RangeError(`nested deeper than ${MAX_DEPTH} levels`);
    } else if (!quoted && (code === 93 || code === 125)) depth--;
  }
}
