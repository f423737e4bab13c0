import { boundedName, MAX_PLAIN_LENGTH } from '../bounded-name';
import { CacheError } from '../errors';

/** Tag of everything in the namespace. */
export const EVERYTHING = '*';

/** What tags of one named cache are made of: one string each for all its entries. */
interface OfCache {
  readonly everything: string;
  readonly beforeKey: string;
}

const known = new Map<string, OfCache>();

function ofCache(cache: string): OfCache {
  let names = known.get(cache);
  if (names === undefined) known.set(cache, (names = { everything: `*:${cache}`, beforeKey: `k:${cache}:` }));
  return names;
}

/** Tag of everything in one named cache; `clear()` invalidates it. */
export const everythingIn = (cache: string): string => ofCache(cache).everything;

/**
 * Tag of one key, a digest of it when it is long: tags travel with every invalidation. Two keys of one digest would
 * be invalidated together, which is safe. Prefixes keep the names a user chooses out of those the protocol uses.
 */
export const tagOfKey = (cache: string, key: string): string => ofCache(cache).beforeKey + boundedName(key);

/** Cache and key in the name of an entry in the store: names of caches have no colon. Nothing where there is none. */
export function placeIn(name: string): readonly [cache: string, key: string] | undefined {
  const colon = name.indexOf(':');
  return colon > 0 ? [name.slice(0, colon), name.slice(colon + 1)] : undefined;
}

/** {@link tagOfKey} for the name of an entry in the store. A short name need not be taken apart. */
export function tagOfStored(name: string): string {
  const place = name.length > MAX_PLAIN_LENGTH ? placeIn(name) : undefined;
  return place === undefined ? `k:${name}` : tagOfKey(...place);
}

/** How many tags follow from a place: those of the key, of everything, and of everything in the cache. */
export const OF_PLACE = 3;

/** True when `tags` begin as `protocolTags` does. Makes no text of its own; false for keys whose tag is a digest. */
export function followsFromPlace(tags: readonly string[], cache: string, key: string): boolean {
  if (tags[1] !== EVERYTHING) return false;
  const { everything, beforeKey } = ofCache(cache);
  const [ofKey] = tags;
  return (
    tags[2] === everything &&
    ofKey!.length === beforeKey.length + key.length &&
    ofKey!.startsWith(beforeKey) &&
    ofKey!.endsWith(key)
  );
}

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
