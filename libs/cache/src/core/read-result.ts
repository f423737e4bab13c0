import type { Entry } from './entry';
import { NO_TAGS } from './keys';
import type { MissReason } from './events';
import type { Head } from './ports/remote-store';

/** Where a read found its value. */
export type ReadSource = 'L1' | 'L2' | 'load';

/** Outcome of a read, precise enough for a `Cache-Status` header (RFC 9211). */
export interface ReadResult<T> {
  readonly value: T | undefined;
  readonly source: ReadSource;
  /** The entry behind the value; `undefined` when nothing was or could be stored. */
  readonly entry: Entry<T> | undefined;
  /** Set when the value is past its ttl: which rule allowed it. */
  readonly stale: 'revalidate' | 'error' | 'timeout' | 'disconnected' | undefined;
  /** True when this caller shared the load of another one. */
  readonly collapsed: boolean;
  /** True when the load's value was handed to a tier. */
  readonly stored: boolean;
  /** False when the loader declined to store: such a value belongs to its own caller alone. */
  readonly shareable: boolean;
  /** Version the value rests on; `undefined` when L2 could not be asked. */
  readonly basis: Head | undefined;
  /** Tags of a value without an entry; see {@link tagsOf}. */
  readonly dependsOn: readonly string[];
  /** Why L1 and L2 had nothing, when `source` is `load`. */
  readonly missReason: MissReason | undefined;
}

/** What becomes of a result where nothing else is made of it. */
export const asItIs = <R>(result: R): R => result;

/** Result of a read that a tier answered. */
export function tierHit<T>(entry: Entry<T>, source: 'L1' | 'L2', stale: ReadResult<T>['stale']): ReadResult<T> {
  return {
    value: entry.value,
    source,
    entry,
    stale,
    collapsed: false,
    stored: true,
    shareable: true,
    basis: basisOf(entry),
    dependsOn: NO_TAGS,
    missReason: undefined,
  };
}

/** What becomes of a loaded value. */
export interface LoadFate<T> {
  readonly entry?: Entry<T>;
  readonly stored: boolean;
  readonly shareable: boolean;
  readonly basis?: Head | undefined;
  readonly dependsOn?: readonly string[];
}

/** Result of a read that ended in a load, or where a load would have begun. */
export function loadResult<T>(value: T | undefined, missReason: MissReason, fate: LoadFate<T>): ReadResult<T> {
  const { entry, stored, shareable } = fate;
  const basis = entry === undefined ? fate.basis : basisOf(entry);
  const { dependsOn = NO_TAGS } = fate;
  const stale = undefined;
  return { value, source: 'load', entry, stale, collapsed: false, stored, shareable, basis, dependsOn, missReason };
}

/** Tags whose invalidation makes the value outdated. */
export function tagsOf({ entry, dependsOn }: ReadResult<unknown>): readonly string[] {
  return entry?.tags ?? dependsOn;
}

function basisOf(entry: Entry): Head | undefined {
  return entry.born.epoch === '' ? undefined : entry.basis;
}
