/** Deepest nesting of a cached value; what walks over values may recurse so far and no further. */
export const MAX_DEPTH = 256;

const QUOTE = 0x22;
const COMMA = 0x2c;
const COLON = 0x3a;
const OPEN_LIST = 0x5b;
const ESCAPE = 0x5c;
const CLOSE_LIST = 0x5d;
const OPEN_OBJECT = 0x7b;
const CLOSE_OBJECT = 0x7d;

/**
 * How many names, elements and containers JSON text has, without parsing it: what makes `JSON.parse` slow is
 * their number, far more than the number of bytes. Stops above `limit`; `Infinity` when nested deeper
 * than {@link MAX_DEPTH}. Text that is no JSON gets some number: the parser will refuse it.
 */
export function countJsonValues(text: Buffer, limit = Infinity): number {
  let values = 1;
  let depth = 0;
  for (let i = 0; i < text.length && values <= limit; i++) {
    const byte = text[i]!;
    if (byte === QUOTE) i = endOfString(text, i + 1);
    else if (byte === COMMA || byte === COLON) values++;
    else if (byte === OPEN_LIST || byte === OPEN_OBJECT) {
      values++;
      if (++depth > MAX_DEPTH) return Infinity;
    } else if (byte === CLOSE_LIST || byte === CLOSE_OBJECT) depth--;
  }
  return values;
}

function endOfString(text: Buffer, from: number): number {
  let i = from;
  for (; i < text.length && text[i] !== QUOTE; i++) if (text[i] === ESCAPE) i++;
  return i;
}
