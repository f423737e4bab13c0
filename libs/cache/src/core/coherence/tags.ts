import { boundedName } from '../bounded-name';
import { CacheError } from '../errors';

/** Tag of everything in the namespace. */
export const EVERYTHING = '*';

const everythingTags = new Map<string, string>();

/** Tag of everything in one named cache; `clear()` invalidates it. One string for all entries of the cache. */
export function everythingIn(cache: string): string {
  let tag = everythingTags.get(cache);
  if (tag === undefined) everythingTags.set(cache, (tag = `*:${cache}`));
  return tag;
}

/**
 * Tag of one key, a digest of it when it is long: tags travel with every invalidation. Two keys of one digest would
 * be invalidated together, which is safe. Prefixes keep the names a user chooses out of those the protocol uses.
 */
export const tagOfKey = (cache: string, key: string): string => `k:${cache}:${boundedName(key)}`;

/** How many tags follow from a place: those of the key, of everything, and of everything in the cache. */
export const OF_PLACE = 3;

/** True when `tags` begin as `protocolTags` does. Makes no text of its own; false for keys whose tag is a digest. */
export function followsFromPlace(tags: readonly string[], cache: string, key: string): boolean {
  const [ofKey, everything, ofCache] = tags;
  return (
    everything === EVERYTHING &&
    ofCache === everythingIn(cache) &&
    ofKey!.length === cache.length + key.length + 3 &&
    ofKey!.startsWith('k:') &&
    ofKey!.startsWith(cache, 2) &&
    ofKey!.charCodeAt(cache.length + 2) === COLON &&
    ofKey!.endsWith(key)
  );
}

const COLON = 58;

/** Longest tag accepted from a user, in UTF-16 code units. */
export const MAX_TAG_LENGTH = 256;

/** True for what {@link userTag} accepts. */
export const isTag = (tag: unknown): tag is string =>
  typeof tag === 'string' && tag.length > 0 && tag.length <= MAX_TAG_LENGTH && tag.isWellFormed();

/** Protocol name of a user's tag. @throws CacheError `INVALID_TAG` */
export function userTag(tag: string): string {
  if (!isTag(tag)) {
    throw new CacheError('INVALID_TAG', `a tag is a well-formed string of 1 to ${MAX_TAG_LENGTH} characters`);
  }
  return `t:${tag}`;
}

/** True for the tags that live in `head` because their loss would cost the whole namespace. */
export const livesInHead = (tag: string): boolean => tag.charCodeAt(0) === 42;
