import { promisify } from 'node:util';
import { brotliCompress, brotliDecompress, constants, crc32 } from 'node:zlib';
import type { DecodedEntry } from './entry';
import type { Serializer } from './ports/serializer';

const compress = promisify(brotliCompress);
const decompress = promisify(brotliDecompress);

/** Version of the wire format. Another version is a miss, never a guess. */
export const WIRE_VERSION = 2;
const MAGIC = 0x53;
const HEADER_BYTES = 64;
/** Most tags of one entry; with more it is returned but not stored. */
export const MAX_TAGS = 1_024;
/** Longest validator of a loader's source, in UTF-16 code units. */
export const MAX_VALIDATOR_LENGTH = 1_024;
const ENCODING_IDENTITY = 0;
const ENCODING_BROTLI = 1;
const FLAG_NEGATIVE = 1;

/** Where a fill script finds epoch and seq without decoding: `OFFSET`, 8 bytes each, big-endian. */
export const BORN_OFFSET = 8;

/** Bounds and switches of the codec. */
export interface CodecOptions {
  /** Payloads of at least so many bytes are compressed; kept only when that made them smaller. */
  readonly compressionThreshold: number;
  /** Largest payload, compressed or not, that is written or read. */
  readonly maxEntryBytes: number;
  /** Most names and elements that are decoded. */
  readonly maxEntryValues: number;
}

/** Room for the key, the tags and the validator of an entry, in bytes. */
const NAMES_BYTES = 2 * 1_024 * 1_024;

/** Largest entry that {@link encodeEntry} writes and {@link decodeEntry} looks at. */
export const maxStoredBytes = ({ maxEntryBytes }: Pick<CodecOptions, 'maxEntryBytes'>): number =>
  HEADER_BYTES + NAMES_BYTES + maxEntryBytes;

/** Why bytes were refused. */
export class UnreadableEntry extends Error {}

/**
 * Writes `entry` as: fixed header (magic, wire version, encoding, flags, serializer, born, times, sizes,
 * checksum), full key, tags, validator, payload. All integers are big-endian.
 */
export async function encodeEntry<T>(
  key: string,
  entry: DecodedEntry<T>,
  payload: Buffer,
  serializer: Serializer<T>,
  options: CodecOptions,
  counters?: { savedBytes: number },
): Promise<Buffer> {
  const packed = payload.length >= options.compressionThreshold ? await pack(payload) : payload;
  const smaller = packed.length < payload.length;
  if (smaller && counters !== undefined) counters.savedBytes += payload.length - packed.length;
  const body = Buffer.concat([...names(key, entry), smaller ? packed : payload]);
  const header = Buffer.alloc(HEADER_BYTES);
  header[0] = MAGIC;
  header[1] = WIRE_VERSION;
  header[2] = smaller ? ENCODING_BROTLI : ENCODING_IDENTITY;
  header[3] = entry.negative ? FLAG_NEGATIVE : 0;
  header[4] = serializer.id;
  header.write(entry.born.epoch, BORN_OFFSET, 8, 'hex');
  header.writeBigUInt64BE(BigInt(entry.born.seq), BORN_OFFSET + 8);
  header.writeDoubleBE(entry.createdAt, 24);
  header.writeDoubleBE(entry.freshUntil, 32);
  header.writeDoubleBE(entry.revalidateUntil, 40);
  header.writeDoubleBE(entry.errorUntil, 48);
  header.writeUInt32BE(payload.length, 56);
  header.writeUInt32BE(checksum(header, body), 60);
  return Buffer.concat([header, body]);
}

/**
 * Reads what {@link encodeEntry} wrote under `key`.
 *
 * @throws UnreadableEntry for anything else: damage, another version, another key, a payload over the bound.
 */
export async function decodeEntry<T>(
  key: string,
  bytes: Buffer,
  serializer: Serializer<T>,
  options: CodecOptions,
): Promise<DecodedEntry<T>> {
  // Before the checksum: whoever filled this with half a gigabyte must not hold the event loop.
  if (bytes.length > maxStoredBytes(options)) throw new UnreadableEntry('entry over the bound');
  if (bytes.length < HEADER_BYTES || bytes[0] !== MAGIC) throw new UnreadableEntry('not an entry');
  if (bytes[1] !== WIRE_VERSION) throw new UnreadableEntry(`wire version ${bytes[1]}`);
  if (bytes[4] !== serializer.id) throw new UnreadableEntry('another serializer');
  const header = bytes.subarray(0, HEADER_BYTES);
  const body = bytes.subarray(HEADER_BYTES);
  const length = header.readUInt32BE(56);
  if (length > options.maxEntryBytes) throw new UnreadableEntry('payload over the bound');
  if (header.readUInt32BE(60) !== checksum(header, body)) throw new UnreadableEntry('checksum');
  const cursor = new Cursor(body);
  // The full key is compared: an entry moved under another key must not be served there.
  if (cursor.text(cursor.uint32()) !== key) throw new UnreadableEntry('another key');
  const tags = readTags(cursor);
  const validator = readValidator(cursor);
  const payload = bytes[2] === ENCODING_BROTLI ? await unpack(cursor.rest(), length) : cursor.rest();
  if (payload.length !== length) throw new UnreadableEntry('length');
  return {
    value: decodeValue(serializer, payload, options.maxEntryValues),
    born: {
      epoch: header.toString('hex', BORN_OFFSET, BORN_OFFSET + 8),
      seq: Number(header.readBigUInt64BE(BORN_OFFSET + 8)),
    },
    tags,
    validator,
    negative: (header[3]! & FLAG_NEGATIVE) !== 0,
    bytes: length,
    createdAt: header.readDoubleBE(24),
    freshUntil: header.readDoubleBE(32),
    revalidateUntil: header.readDoubleBE(40),
    errorUntil: header.readDoubleBE(48),
  };
}

function names(key: string, { tags, validator }: { tags: readonly string[]; validator: string }): Buffer[] {
  const parts = [lengthPrefixed(key)];
  const count = Buffer.alloc(4);
  count.writeUInt32BE(tags.length);
  parts.push(count);
  for (const tag of tags) parts.push(lengthPrefixed(tag));
  parts.push(lengthPrefixed(validator));
  return parts;
}

function lengthPrefixed(text: string): Buffer {
  const bytes = Buffer.from(text, 'utf8');
  const prefix = Buffer.alloc(4);
  prefix.writeUInt32BE(bytes.length);
  return Buffer.concat([prefix, bytes]);
}

function readTags(cursor: Cursor): string[] {
  const count = cursor.uint32();
  if (count > MAX_TAGS) throw new UnreadableEntry('too many tags');
  return Array.from({ length: count }, () => cursor.text(cursor.uint32()));
}

function readValidator(cursor: Cursor): string {
  const length = cursor.uint32();
  if (length > 4 * MAX_VALIDATOR_LENGTH) throw new UnreadableEntry('validator over the bound');
  return cursor.text(length);
}

function checksum(header: Buffer, body: Buffer): number {
  return crc32(body, crc32(header.subarray(0, 60)));
}

function pack(payload: Buffer): Promise<Buffer> {
  // Quality 4: close to gzip's speed at a better ratio; the default of 11 is far too slow for a cache.
  return compress(payload, {
    params: { [constants.BROTLI_PARAM_QUALITY]: 4, [constants.BROTLI_PARAM_SIZE_HINT]: payload.length },
  });
}

async function unpack(packed: Buffer, length: number): Promise<Buffer> {
  try {
    return await decompress(packed, { maxOutputLength: Math.max(1, length) });
  } catch (error) {
    throw new UnreadableEntry('compressed payload', { cause: error });
  }
}

function decodeValue<T>(serializer: Serializer<T>, payload: Buffer, maxValues: number): T {
  try {
    if ((serializer.countValues?.(payload, maxValues) ?? 0) > maxValues) throw new RangeError('too many values');
    return serializer.decode(payload);
  } catch (error) {
    throw new UnreadableEntry('payload', { cause: error });
  }
}

/** Reads a buffer front to back and refuses to read past its end. */
class Cursor {
  private offset = 0;

  constructor(private readonly bytes: Buffer) {}

  uint32(): number {
    return this.take(4).readUInt32BE();
  }

  text(length: number): string {
    return this.take(length).toString('utf8');
  }

  rest(): Buffer {
    return this.bytes.subarray(this.offset);
  }

  private take(length: number): Buffer {
    const end = this.offset + length;
    if (end > this.bytes.length) throw new UnreadableEntry('truncated');
    const part = this.bytes.subarray(this.offset, end);
    this.offset = end;
    return part;
  }
}
