/** What entries of one cache mostly have in common: one object for all of them. */
export interface Terms {
  /** `undefined` where the further tags of the entry are all that it has. */
  readonly cache: string | undefined;
  readonly generation: number;
  readonly negative: boolean;
  readonly staleWhileRevalidate: number;
  readonly staleIfError: number;
}

/** The terms that were made last for each cache, and for entries that name none. */
const lastTerms = new Map<string | undefined, Terms>();

/** Those, or the very object that the last entry of the cache has, if they are the same. */
export function sharedTerms(
  cache: string | undefined,
  generation: number,
  negative: boolean,
  staleWhileRevalidate: number,
  staleIfError: number,
): Terms {
  const known = lastTerms.get(cache);
  const isSame =
    known?.generation === generation &&
    known.negative === negative &&
    known.staleWhileRevalidate === staleWhileRevalidate &&
    known.staleIfError === staleIfError;
  if (isSame) return known;
  const terms = { cache, generation, negative, staleWhileRevalidate, staleIfError };
  lastTerms.set(cache, terms);
  return terms;
}
