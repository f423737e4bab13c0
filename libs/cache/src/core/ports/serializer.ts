/** The encoded form of a value: bytes, or short text that stands for its bytes in UTF-8. */
export type Payload = Buffer | string;

/**
 * Turns values into bytes and back. What `decode` returns is handed to every reader, so it must be
 * immutable or used as such — unless the serializer has `copy`.
 */
export interface Serializer<T = unknown> {
  /** Written into each entry; bytes of another serializer are a miss. 0–255. */
  readonly id: number;
  encode(value: T): Buffer;
  /** Throws when the bytes are not what `encode` produced. */
  decode(bytes: Buffer): T;
  /**
   * Names and elements in encoded bytes, weighed by what they cost to decode, without decoding them; may stop
   * counting above `limit`. Asked before bytes from L2 are decoded, so that nothing there can hold the
   * event loop for long. Absent: decoding costs no more than reading the bytes.
   */
  countValues?(bytes: Buffer, limit: number): number;
  /** A copy for one reader, for values that cannot be frozen; a hit then costs a copy. */
  copy?(value: T): T;
  /** Bytes that the decoded value occupies in memory, on and off the heap. */
  weigh(value: T): number;
}
