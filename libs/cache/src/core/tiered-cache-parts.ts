import type { ReadThrough } from './read-through';
import type { RemoteTier } from './tiers/remote-tier';
import type { WriteParts } from './writes';

/** Parts a `TieredCache` is assembled from; `Strata.cache()` does it. */
export interface TieredCacheParts<T> extends WriteParts<T> {
  readonly reader: ReadThrough<T>;
  readonly remote: RemoteTier<T>;
}
