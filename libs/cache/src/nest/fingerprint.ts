import { createHash } from 'node:crypto';
import { CacheError } from '../core/errors';
import type { Handler } from './declarations';
import { originalOf } from './methods/wrap';

/**
 * A short text that changes with its parts: functions count by their source, everything else by its JSON. As
 * `version` of a decorator, with the functions and schemas that decide the shape of the result, it keeps a deploy
 * from serving what the code before it has kept: `version: fingerprint(presentProduct, PRODUCT_SCHEMA)`. A
 * function that these call counts only if it is named too.
 *
 * @throws CacheError `INVALID_OPTIONS` for what has no text that would change with it: bound functions, and objects that
 *   hold functions, expressions, maps or sets. Of a schema give its JSON Schema
 */
export function fingerprint(...parts: readonly unknown[]): string {
  const hash = createHash('sha256');
  for (const part of parts) {
    const text = typeof part === 'function' ? sourceOf(part) : (JSON.stringify(part, refuseLoss) ?? 'undefined');
    hash.update(`${typeof part}${text.length}:${text}`);
  }
  return hash.digest('base64url').slice(0, 12);
}

function sourceOf(given: Handler): string {
  const source = Function.prototype.toString.call(originalOf(given));
  if (source.includes('[native code]')) throw lost('a bound or built-in function');
  return source;
}

function refuseLoss(_name: string, value: unknown): unknown {
  if (typeof value === 'function') throw lost('an object with a function in it');
  if (value instanceof RegExp || value instanceof Map || value instanceof Set)
    throw lost(`a ${value.constructor.name}`);
  return value;
}

const lost = (what: string): CacheError =>
  new CacheError('INVALID_OPTIONS', `fingerprint: ${what} has no text that would change with it`);
