/** A key and how much it was read, in look-ups. */
export interface HotKey {
  readonly key: string;
  readonly heat: number;
}

/** How a {@link HotKeyStore} forgets. */
export interface HotKeyBounds {
  /** Most keys that are kept for one cache. */
  readonly keep: number;
  /** After that many milliseconds a look-up counts half. */
  readonly halfLifeMs: number;
}

/**
 * Port of the place where the instances of a namespace remember together what is read most, beyond the life of
 * each. Losing it costs a cold start, nothing else: no promise rests on it.
 */
export interface HotKeyStore {
  /** Adds to what is known; what was known before has decayed since. */
  add(cache: string, hot: readonly HotKey[], bounds: HotKeyBounds): Promise<void>;
  /** Up to `count` keys, hottest first. */
  hottest(cache: string, count: number): Promise<readonly string[]>;
}
