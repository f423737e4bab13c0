import type { Entry } from '../entry';

/** Why an entry left the store without anybody asking for it. */
export type EvictionReason = 'size' | 'expired';

/** What the L1 store tells its tier. */
export interface LocalStoreListener {
  evicted(key: string, entry: Entry, reason: EvictionReason): void;
}

/** Bounds of an L1 store; both hold at any time. */
export interface LocalStoreBounds {
  maxEntries: number;
  maxBytes: number;
}

/**
 * Port of the L1 store: synchronous by type, because a hit must not wait.
 *
 * An implementation evicts an expired entry before a live one and counts `weight` bytes for each entry.
 */
export interface LocalStore {
  /** Returns the entry and makes it the most recent one. Expiry is the caller's business. */
  get(key: string): Entry | undefined;
  /** Reads without touching recency. */
  peek(key: string): Entry | undefined;
  /** Stores or refuses (`false`) an entry that is larger than the whole store. Overwriting makes it the most recent. */
  set(key: string, entry: Entry, weight: number): boolean;
  /**
   * Counts `bytes` more for an entry, which may make others go. Refused (`false`) for one that it does not hold, or that
   * would be larger than the whole store. Without this they are not counted.
   */
  grow?(entry: Entry, bytes: number): boolean;
  delete(key: string): boolean;
  clear(): void;
  readonly size: number;
  readonly bytes: number;
  readonly bounds: Readonly<LocalStoreBounds>;
}
