import type { Entry } from './entry';
import type { MissReason } from './events';

/** Where a read found its value. */
export type ReadSource = 'L1' | 'L2' | 'load';

/** Outcome of a read, precise enough for a `Cache-Status` header (RFC 9211). */
export interface ReadResult<T> {
  readonly value: T | undefined;
  readonly source: ReadSource;
  /** The entry behind the value; `undefined` when nothing was or could be stored. */
  readonly entry: Entry<T> | undefined;
  /** Set when the value is past its ttl: which rule allowed it. */
  readonly stale: 'revalidate' | 'error' | 'disconnected' | undefined;
  /** True when this caller shared the load of another one. */
  readonly collapsed: boolean;
  /** True when the load's value was handed to a tier. */
  readonly stored: boolean;
  /** Why L1 and L2 had nothing, when `source` is `load`. */
  readonly missReason: MissReason | undefined;
}
