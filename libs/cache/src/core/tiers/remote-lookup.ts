import type { Entry } from '../entry';
import type { MissReason } from '../events';
import type { LoadPermit } from './load-permit';

/** What L2 says of a key. */
export type RemoteLookup<T> =
  | { readonly kind: 'fresh' | 'revalidate'; readonly entry: Entry<T> }
  | {
      readonly kind: 'miss';
      readonly reason: MissReason;
      readonly fallback: Entry<T> | undefined;
      /** Of a reader that would load, where the store has answered that too. */
      readonly permit: LoadPermit | undefined;
    }
  | { readonly kind: 'unavailable' };

/** L2 could not be asked. */
export const UNAVAILABLE = Object.freeze({ kind: 'unavailable' } as const);

/** L2 has nothing that may be served. */
export const missed = <T>(reason: MissReason, fallback?: Entry<T>, permit?: LoadPermit): RemoteLookup<T> => ({
  kind: 'miss',
  reason,
  fallback,
  permit,
});
