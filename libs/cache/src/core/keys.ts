import { EVERYTHING, everythingIn, tagOfKey, userTag } from './coherence/tags';
import { CacheError } from './errors';

/** Longest key, in UTF-16 code units: room for 64 KiB of input and what tells its parts from one another. */
export const MAX_KEY_LENGTH = 131_072;

/** What a reader declares that declares nothing. */
export const NO_TAGS: readonly string[] = Object.freeze([]);

/** True for what {@link assertKey} accepts. */
export const isKey = (key: unknown): key is string =>
  typeof key === 'string' && key.length > 0 && key.length <= MAX_KEY_LENGTH && key.isWellFormed();

/** @throws CacheError `INVALID_KEY` */
export function assertKey(key: string): void {
  if (!isKey(key)) {
    throw new CacheError('INVALID_KEY', `a key is a well-formed string of 1 to ${MAX_KEY_LENGTH} characters`);
  }
}

/** @throws CacheError `INVALID_KEY`, `ENTRY_REFUSED` */
export function assertStorable(key: string, value: unknown): void {
  assertKey(key);
  if (value === undefined) throw new CacheError('ENTRY_REFUSED', 'undefined stands for absence; cache null instead');
}

/** Protocol names of what a user declares, each once. @throws CacheError `INVALID_TAG` */
export function userTags(tags: readonly string[] | undefined): readonly string[] {
  if (tags === undefined || tags.length === 0) return NO_TAGS;
  // As of most routes, on the way of each hit: nothing to look for twice.
  return tags.length === 1 ? [userTag(tags[0]!)] : [...new Set(tags)].map(userTag);
}

/**
 * Every tag an entry carries: its key, its cache, the namespace, and what the user declares. Part of the wire format:
 * entries do not write the first three.
 */
export function protocolTags(cache: string, key: string, declared: readonly string[]): string[] {
  const tags = [tagOfKey(cache, key), EVERYTHING, everythingIn(cache)];
  for (const tag of declared) tags.push(tag);
  return tags;
}
