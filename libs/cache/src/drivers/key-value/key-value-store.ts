/**
 * The least that a store must be able to do to serve as an L2: keep a text under a name for some time.
 * No atomic step is asked for.
 */
export interface KeyValueStore {
  get(key: string): Promise<unknown>;
  /** Resolves when the text is stored; rejects, or resolves with `false`, when it is not. */
  set(key: string, text: string, ttlMs: number): Promise<unknown>;
}

/**
 * A Keyv, or a store or cache of cache-manager (`cache-manager-ioredis-yet` among them), as a
 * {@link KeyValueStore}: all of them take the ttl in milliseconds as the third argument.
 *
 * They get nothing but text that begins with a brace, because some of them revive functions and dates
 * from strings with other beginnings.
 */
export function keyValueStore(store: {
  get(key: string): Promise<unknown>;
  set(key: string, value: string, ttlMs?: number): Promise<unknown>;
}): KeyValueStore {
  return { get: (key) => store.get(key), set: (key, text, ttlMs) => store.set(key, text, ttlMs) };
}
