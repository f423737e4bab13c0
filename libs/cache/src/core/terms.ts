/** What entries of one cache mostly have in common: one object for all of them. */
export interface Terms {
  /** `undefined` where the further tags of the entry are all that it has. */
  readonly cache: string | undefined;
  readonly generation: number;
  readonly negative: boolean;
  /** It had been expired on purpose when it was read from L2: never fresh here, whatever is heard of its tags. */
  readonly isExpired: boolean;
  readonly staleWhileRevalidate: number;
  readonly staleIfError: number;
}

/** The terms that were made last for each cache, one of each kind: two kinds in turn do not replace each other. */
const lastTerms = new Map<string, Terms>();

/**
 * The object that the last entry of its cache and kind has, if its terms are these.
 *
 * @param follows false where the tags of an entry do not follow from its place; see {@link Terms.cache}
 */
export function sharedTerms(
  place: { readonly cache: string },
  follows: boolean,
  generation: number,
  negative: boolean,
  isExpired: boolean,
  staleWhileRevalidate: number,
  staleIfError: number,
): Terms {
  // No name of a cache has a colon.
  const isCommon = follows && !negative && !isExpired;
  const kind = isCommon ? place.cache : `${place.cache}:${follows}:${negative}:${isExpired}`;
  const known = lastTerms.get(kind);
  const isSame =
    known?.generation === generation &&
    known.staleWhileRevalidate === staleWhileRevalidate &&
    known.staleIfError === staleIfError;
  if (isSame) return known;
  const cache = follows ? place.cache : undefined;
  const terms = { cache, generation, negative, isExpired, staleWhileRevalidate, staleIfError };
  lastTerms.set(kind, terms);
  return terms;
}
