import SuperJSON from 'superjson';
import type { Serializer } from '../../core/ports/serializer';

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
 * Such values cannot be frozen, so every reader gets a copy of its own: a hit costs a `structuredClone`.
 */
export const richSerializer: Serializer = {
  id: 3,
  encode: (value) => Buffer.from(rich.stringify(value), 'utf8'),
  decode(bytes) {
    const text = bytes.toString('utf8');
    refuseDeepNesting(text);
    return rich.parse(text);
  },
  copy: (value) => cloned(value),
  weigh: (value) => Math.ceil(rich.stringify(value).length * 2.5),
};

/** `structuredClone`, which turns a `Buffer` into a bare `Uint8Array`, with that mended. */
function cloned(value: unknown): unknown {
  return withBuffers(value, structuredClone(value));
}

function withBuffers(original: unknown, copy: unknown): unknown {
  if (Buffer.isBuffer(original)) return Buffer.from(copy as Uint8Array);
  if (original instanceof Map) {
    const copies = [...(copy as Map<unknown, unknown>)];
    return new Map([...original].map(([k, v], i) => [withBuffers(k, copies[i]![0]), withBuffers(v, copies[i]![1])]));
  }
  if (original instanceof Set) {
    const copies = [...(copy as Set<unknown>)];
    return new Set([...original].map((v, i) => withBuffers(v, copies[i])));
  }
  if (typeof original === 'object' && original !== null && isPlain(original)) {
    const target = copy as Record<string, unknown>;
    for (const [name, part] of Object.entries(original)) target[name] = withBuffers(part, target[name]);
  }
  return copy;
}

const isPlain = (value: object): boolean => Array.isArray(value) || Object.getPrototypeOf(value) === Object.prototype;

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
