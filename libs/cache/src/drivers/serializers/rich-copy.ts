/**
 * A deep copy of what the rich serializer carries. Shared and cyclic references are kept as they are, each
 * object is visited once; instances of classes become plain objects, or what their `toJSON` makes of them. What is not
 * known here is immutable in practice and shared.
 */
export function richCopy(value: unknown, seen = new Map<object, unknown>(), key = ''): unknown {
  if (typeof value !== 'object' || value === null) return value;
  const known = seen.get(value);
  if (known !== undefined) return known;
  const said = saidBy(value, key);
  if (said !== value) {
    const copy = richCopy(said, seen, key);
    seen.set(value, copy);
    return copy;
  }
  const copy = emptyLike(value);
  seen.set(value, copy);
  if (value instanceof Map) {
    for (const [key, part] of value) (copy as Map<unknown, unknown>).set(richCopy(key, seen), richCopy(part, seen));
  } else if (value instanceof Set) {
    for (const part of value) (copy as Set<unknown>).add(richCopy(part, seen));
  } else if (value instanceof Error) {
    if ('cause' in value) {
      const cause = richCopy(value.cause, seen, 'cause');
      Object.defineProperty(copy, 'cause', { value: cause, writable: true, configurable: true });
    }
  } else if (copy !== value && isContainer(value)) {
    for (const name of Object.keys(value)) {
      const part = richCopy((value as Record<string, unknown>)[name], seen, name);
      Object.defineProperty(copy, name, { value: part, enumerable: true, writable: true, configurable: true });
    }
  }
  return copy;
}

function emptyLike(value: object): object {
  if (Array.isArray(value)) return [];
  if (value instanceof Map) return new Map();
  if (value instanceof Set) return new Set();
  if (value instanceof Date) return new Date(value);
  if (Buffer.isBuffer(value)) return Buffer.from(value);
  if (value instanceof URL) return new URL(value.href);
  if (value instanceof RegExp) return new RegExp(value.source, value.flags);
  if (ArrayBuffer.isView(value)) return structuredClone(value);
  if (value instanceof Error) return errorLike(value);
  return isContainer(value) ? {} : value;
}

/** What an instance of a class wants to be in JSON: itself, where it says nothing. */
function saidBy(value: object, key: string): unknown {
  if (!isInstance(value) || !('toJSON' in value) || typeof value.toJSON !== 'function') return value;
  return (value.toJSON as (key: string) => unknown)(key);
}

/** Name, message and stack; its `cause` is copied as parts are. */
function errorLike({ name, message, stack }: Error): Error {
  return Object.defineProperties(new Error(message), {
    name: { value: name, writable: true, configurable: true },
    stack: { value: stack, writable: true, configurable: true },
  });
}

function isContainer(value: object): boolean {
  return Array.isArray(value) || isPlain(value) || isInstance(value);
}

function isPlain(value: object): boolean {
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === Object.prototype || prototype === null;
}

/** Of a class that somebody has written: those of the platform say what they are. */
function isInstance(value: object): boolean {
  return !isPlain(value) && Object.prototype.toString.call(value) === '[object Object]';
}
