import { createHash } from 'node:crypto';

/**
 * A short text that changes with its parts: functions count by their source, everything else by its JSON. As
 * `version` of a decorator, with the functions and schemas that decide the shape of the result, it keeps a deploy
 * from serving what the code before it has kept: `version: fingerprint(presentProduct, PRODUCT_SCHEMA)`. A
 * function that these call counts only if it is named too.
 */
export function fingerprint(...parts: readonly unknown[]): string {
  const hash = createHash('sha256');
  for (const part of parts) {
    const text = typeof part === 'function' ? part.toString() : (JSON.stringify(part) ?? 'undefined');
    hash.update(`${typeof part}${text.length}:${text}`);
  }
  return hash.digest('base64url').slice(0, 12);
}
