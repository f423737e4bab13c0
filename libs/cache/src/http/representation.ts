import { EncodedForms } from './encoded-forms';
import { isKeptHeader, isKeptStatus } from './kept-headers';

/** A response as it is kept: what a hit sends, byte for byte. */
export interface Representation {
  readonly status: number;
  /** Headers the handler set, names in lower case. */
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Buffer;
  /** The body in the encodings that clients asked for; in L1 only. */
  readonly forms: EncodedForms;
}

/** Bytes of a representation in L2: length of the head, head as JSON, body. */
export function encodeRepresentation(representation: Representation): Buffer {
  const head = Buffer.from(JSON.stringify([representation.status, representation.headers]), 'utf8');
  const length = Buffer.alloc(4);
  length.writeUInt32BE(head.length);
  return Buffer.concat([length, head, representation.body]);
}

/** @throws Error for bytes that {@link encodeRepresentation} did not write */
export function decodeRepresentation(bytes: Buffer): Representation {
  const head = headOf(bytes);
  const [status, headers] = JSON.parse(head.toString('utf8')) as [unknown, unknown];
  if (!isKeptStatus(status) || typeof headers !== 'object' || headers === null) {
    throw new TypeError('not a representation');
  }
  for (const [name, value] of Object.entries(headers)) {
    if (!isKeptHeader(name, value)) throw new TypeError('not a header that is ever kept');
  }
  // A copy on memory of its own: a slice would keep the whole network buffer alive for the life of the
  // entry, and one from Node's pool a slab of 8 KiB.
  const bodyAt = 4 + head.length;
  const body = Buffer.allocUnsafeSlow(bytes.length - bodyAt);
  bytes.copy(body, 0, bodyAt);
  return Object.freeze({
    status: status as number,
    headers: Object.freeze(headers as Record<string, string>),
    body,
    forms: new EncodedForms(),
  });
}

/** Status and headers as JSON text. @throws RangeError for bytes that end before it does */
export function headOf(bytes: Buffer): Buffer {
  const bodyAt = 4 + bytes.readUInt32BE(0);
  if (bodyAt > bytes.length) throw new RangeError('truncated representation');
  return bytes.subarray(4, bodyAt);
}

/** Objects around the body: buffer, its backing store, the frozen pair. */
const BUFFER_OVERHEAD_BYTES = 300;

/** Memory a representation occupies: body off the heap, headers on it. */
export function weighRepresentation(representation: Representation): number {
  let bytes = BUFFER_OVERHEAD_BYTES + representation.body.length + representation.forms.bytes;
  for (const [name, value] of Object.entries(representation.headers)) bytes += 32 + name.length + value.length;
  return bytes;
}
