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

/** Tag of one key. Prefixes keep the names a user chooses out of the names the protocol uses. */
export const tagOfKey = (cache: string, key: string): string => `k:${cache}:${key}`;

/** Longest tag accepted from a user, in UTF-16 code units. */
export const MAX_TAG_LENGTH = 256;

/** Protocol name of a user's tag. @throws CacheError `INVALID_TAG` */
export function userTag(tag: string): string {
  if (typeof tag !== 'string' || tag.length === 0 || tag.length > MAX_TAG_LENGTH || !tag.isWellFormed()) {
    throw new CacheError('INVALID_TAG', `a tag is a well-formed string of 1 to ${MAX_TAG_LENGTH} characters`);
  }
  return `t:${tag}`;
}

/** True for the tags that live in `head` because their loss would cost the whole namespace. */
export const livesInHead = (tag: string): boolean => tag.charCodeAt(0) === 42;
