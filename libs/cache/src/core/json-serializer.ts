import { countJsonValues, MAX_DEPTH } from './json-structure';
import type { Serializer } from './ports/serializer';

/**
 * Plain JSON. Decoded values are frozen all the way down and shared by all readers: nobody can change
 * what another one gets. What JSON does not know (Date, Map, BigInt) follows the rules of `JSON.stringify`.
 */
export const jsonSerializer: Serializer = {
  id: 1,
  encode: encodeBytes,
  decode: decodeBytes,
  // Each takes a byte at least, and `decode` refuses deep nesting by itself: what is short need not be looked through.
  countValues: (bytes, limit) => (bytes.length < limit ? 0 : countJsonValues(bytes, limit)),
  weigh: (value) => weigh(value),
};

/** A form that is text by way of text: bytes of a value are those of its text in UTF-8. */
export interface TextForm<T> {
  /** Well-formed, and of a character at least for each name and element. */
  encode(value: T): string;
  decode(text: string): T;
}

const JSON_TEXT: TextForm<unknown> = { encode, decode };

/** Asked by what encodes and decodes: a serializer made of this one, with functions of its own, has none. */
export function textFormOf<T>(serializer: Serializer<T>): TextForm<T> | undefined {
  const isJson = serializer.encode === encodeBytes && serializer.decode === decodeBytes;
  return isJson ? (JSON_TEXT as TextForm<T>) : undefined;
}

function encodeBytes(value: unknown): Buffer {
  return Buffer.from(encode(value), 'utf8');
}

function decodeBytes(bytes: Buffer): unknown {
  return decode(bytes.toString('utf8'));
}

/** `JSON.stringify` escapes half a pair of surrogates. */
function encode(value: unknown): string {
  const text = JSON.stringify(value) as string | undefined;
  if (text === undefined) throw new TypeError('a cached value must be representable in JSON');
  return text;
}

function decode(text: string): unknown {
  return deepFreeze(JSON.parse(text) as unknown);
}

/**
 * Freezes a value and everything in it.
 *
 * @throws RangeError for values nested deeper than {@link MAX_DEPTH} levels
 */
export function deepFreeze<T>(value: T): T {
  if (typeof value === 'object' && value !== null) freezeAll(value, 0);
  return value;
}

function freezeAll(container: object, depth: number): void {
  if (depth > MAX_DEPTH) throw new RangeError(`nested deeper than ${MAX_DEPTH} levels`);
  // `for…in` instead of `Object.values`: no array for each object, which would be most of the time.
  for (const name in container) {
    const part = (container as Record<string, unknown>)[name];
    if (typeof part === 'object' && part !== null) freezeAll(part, depth + 1);
  }
  Object.freeze(container);
}

/** Estimated heap bytes of a decoded JSON value (V8, pointer size 8); held to reality by `npm run bench:memory`. */
function weigh(value: unknown): number {
  if (typeof value === 'string') return stringWeight(value);
  if (typeof value === 'number') return isSmall(value) ? 0 : 16;
  if (typeof value !== 'object' || value === null) return 0;
  let bytes = 32;
  if (Array.isArray(value)) for (const item of value) bytes += 8 + weigh(item);
  else for (const name in value) bytes += 8 + weigh((value as Record<string, unknown>)[name]);
  return bytes;
}

/** Small integers live in the slot that points to them; other numbers have a box of their own. */
const isSmall = (number: number): boolean => Number.isInteger(number) && Math.abs(number) < 2 ** 31;

const BEYOND_LATIN_1 = /[^\0-\xff]/;

/** One byte a character for Latin-1, two otherwise, and the string's header. */
export function stringWeight(text: string): number {
  return 16 + (BEYOND_LATIN_1.test(text) ? text.length * 2 : text.length);
}
