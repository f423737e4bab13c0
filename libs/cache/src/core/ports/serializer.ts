/**
 * Turns values into bytes and back. What `decode` returns is handed to every reader, so it must be
 * immutable or used as such.
 */
export interface Serializer<T = unknown> {
  /** Written into each entry; bytes of another serializer are a miss. 0–255. */
  readonly id: number;
  encode(value: T): Buffer;
  /** Throws when the bytes are not what `encode` produced. */
  decode(bytes: Buffer): T;
  /** Bytes that the decoded value occupies in memory, on and off the heap. */
  weigh(value: T): number;
}
