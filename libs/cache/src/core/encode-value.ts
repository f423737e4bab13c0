/** Deepest nesting that is encoded. */
const MAX_DEPTH = 32;

/**
 * Text of a value for use in a key: the same for equal values whatever the order of their properties, and never
 * the same for different ones. Every text goes with its length, every list with the number of its elements, so no
 * content can look like structure; the type of each part is in it (`1` and `'1'` differ).
 *
 * Knows text, numbers, booleans, `null`, `undefined`, big integers, dates, arrays and plain objects; a property
 * that is `undefined` counts as not given. Linear in the size of the value.
 *
 * @returns `undefined` for everything else (functions, class instances, cycles, text that is not well-formed)
 */
export function encodeValue(value: unknown): string | undefined {
  const parts: string[] = [];
  return append(parts, value, 0) ? parts.join('') : undefined;
}

function append(parts: string[], value: unknown, depth: number): boolean {
  if (typeof value === 'string') return appendText(parts, 's', value);
  if (typeof value === 'object' && value !== null) return depth < MAX_DEPTH && appendObject(parts, value, depth + 1);
  const simple = simpleForm(value);
  if (simple !== undefined) parts.push(simple);
  return simple !== undefined;
}

function simpleForm(value: unknown): string | undefined {
  if (value === undefined) return 'u;';
  if (value === null) return 'z;';
  if (typeof value === 'boolean') return value ? 't;' : 'f;';
  if (typeof value === 'number') return `n${value};`;
  return typeof value === 'bigint' ? `i${value};` : undefined;
}

function appendText(parts: string[], mark: string, text: string): boolean {
  parts.push(`${mark}${text.length}:`, text);
  return text.isWellFormed();
}

function appendObject(parts: string[], value: object, depth: number): boolean {
  if (value instanceof Date) {
    parts.push(`d${value.getTime()};`);
    return true;
  }
  if (Array.isArray(value)) {
    // Holes, and properties beside the elements, would be left out.
    if (Object.keys(value).length !== value.length) return false;
    parts.push(`a${value.length}:`);
    return value.every((element) => append(parts, element, depth));
  }
  const prototype: unknown = Object.getPrototypeOf(value);
  if (prototype !== Object.prototype && prototype !== null) return false;
  // A name that is a symbol has no text.
  if (Object.getOwnPropertySymbols(value).length > 0) return false;
  return appendProperties(parts, value as Record<string, unknown>, depth);
}

function appendProperties(parts: string[], value: Record<string, unknown>, depth: number): boolean {
  const countAt = parts.push('') - 1;
  let count = 0;
  for (const name of Object.keys(value).sort()) {
    const part = value[name];
    if (part === undefined) continue;
    count++;
    if (!appendText(parts, '', name) || !append(parts, part, depth)) return false;
  }
  parts[countAt] = `o${count}:`;
  return true;
}
