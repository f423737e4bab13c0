/** What may be part of a key. `undefined` means "not given", which differs from an empty string. */
export type KeyPart = string | number | boolean | undefined;

/**
 * Builds a key from declared inputs only: `name?a=1&b=x`, sorted by name, with the characters that separate parts
 * percent-encoded inside them, so that different inputs never meet in one key and the order of a query string does
 * not matter. Linear in the size of the input.
 *
 * @returns `undefined` for text that is not well-formed Unicode, and for parts that are neither text, finite number
 *   nor boolean (`?q=a&q=b` is an array in most parsers): such a request is not cached
 */
export function canonicalKey(name: string, parts: Readonly<Record<string, KeyPart>> = {}): string | undefined {
  const encoded: string[] = [];
  for (const part of sorted(Object.keys(parts))) {
    const value = parts[part];
    if (value === undefined) continue;
    if (!isKeyPart(value)) return undefined;
    const text = String(value);
    if (isPlain(part) && isPlain(text)) encoded.push(`${part}=${text}`);
    else if (!text.isWellFormed() || !part.isWellFormed()) return undefined;
    else encoded.push(`${escaped(part)}=${escaped(text)}`);
  }
  return encoded.length === 0 ? name : `${name}?${encoded.join('&')}`;
}

/** A few names are sorted by insertion: for them `sort` makes more objects than all the rest of a key. */
function sorted(names: string[]): string[] {
  if (names.length > FEW) return names.sort();
  for (let i = 1; i < names.length; i++) {
    const name = names[i]!;
    let at = i;
    for (; at > 0 && names[at - 1]! > name; at--) names[at] = names[at - 1]!;
    names[at] = name;
  }
  return names;
}

const FEW = 8;

function isKeyPart(value: unknown): boolean {
  return typeof value === 'string' || typeof value === 'boolean' || Number.isFinite(value);
}

/** What a key is made of by its own, and the character that would make a text look escaped. */
const SEPARATORS = /[%&=?]/g;

/** No separator, and nothing but ASCII: on the way of each hit, a look at each character is cheaper than expressions. */
function isPlain(text: string): boolean {
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if (code > 0x7f || code === PERCENT || code === AMPERSAND || code === EQUALS || code === QUESTION) return false;
  }
  return true;
}

const [PERCENT, AMPERSAND, EQUALS, QUESTION] = [0x25, 0x26, 0x3d, 0x3f];

const escaped = (text: string): string => text.replace(SEPARATORS, encodeURIComponent);

/** Reads a {@link canonicalKey} back: its name, and its parts as text. `undefined` for what is none. */
export function parseCanonicalKey(key: string): { name: string; parts: Record<string, string> } | undefined {
  const at = key.indexOf('?');
  if (at < 0) return { name: key, parts: {} };
  const parts: Record<string, string> = {};
  for (const pair of key.slice(at + 1).split('&')) {
    const [name, value, more] = pair.split('=');
    if (name === undefined || value === undefined || more !== undefined) return undefined;
    parts[unescaped(name)] = unescaped(value);
  }
  return { name: key.slice(0, at), parts };
}

const unescaped = (text: string): string => text.replace(/%(25|26|3D|3F)/g, decodeURIComponent);
