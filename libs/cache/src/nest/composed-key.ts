import { isKey } from '../core/keys';
import { canonicalKey, type KeyPart } from '../http/canonical-key';

/** First character of keys that have further parts. */
const COMPOSED = '\u0001';

/**
 * `key` with further parts: the version of the method, and for HTTP who asks and the headers that count. The two
 * are told apart by length: neither can be made to look like the end of the other. The control character keeps
 * them apart from keys that have no further part, so a key that begins with it is none.
 *
 * @returns `undefined` for what is no key
 */
export function composedKey(key: string | undefined, parts: Readonly<Record<string, KeyPart>>): string | undefined {
  if (key === undefined || key.startsWith(COMPOSED) || !isKey(key)) return undefined;
  if (isEmpty(parts)) return key;
  const whole = canonicalKey(`${COMPOSED}${key.length}:${key}`, parts);
  return whole !== undefined && isKey(whole) ? whole : undefined;
}

/** {@link composedKey} with nothing but a version, which may be empty. */
export function versionedKey(key: string | undefined, version: string): string | undefined {
  return composedKey(key, { version: version === '' ? undefined : version });
}

/** On the way of each hit: nothing is made. */
function isEmpty(parts: Readonly<Record<string, KeyPart>>): boolean {
  for (const name in parts) if (parts[name] !== undefined) return false;
  return true;
}
