import { promisify } from 'node:util';
import { brotliCompress, brotliDecompress, constants, crc32 } from 'node:zlib';
import { sharedHead, type DecodedEntry } from './entry';
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
  const body = smaller ? packed : payload;
  const bytes = Buffer.allocUnsafe(HEADER_BYTES + namesLength(key, entry) + body.length);
  bytes[0] = MAGIC;
  bytes[1] = WIRE_VERSION;
  bytes[2] = smaller ? ENCODING_BROTLI : ENCODING_IDENTITY;
  bytes[3] = entry.negative ? FLAG_NEGATIVE : 0;
  bytes[4] = serializer.id;
  bytes.fill(0, 5, BORN_OFFSET + 8);
  bytes.write(entry.born.epoch, BORN_OFFSET, 8, 'hex');
  bytes.writeBigUInt64BE(BigInt(entry.born.seq), BORN_OFFSET + 8);
  bytes.writeDoubleBE(entry.createdAt, 24);
  bytes.writeDoubleBE(entry.freshUntil, 32);
  bytes.writeDoubleBE(entry.revalidateUntil, 40);
  bytes.writeDoubleBE(entry.errorUntil, 48);
  bytes.writeUInt32BE(payload.length, 56);
  body.copy(bytes, writeNames(bytes, HEADER_BYTES, key, entry));
  bytes.writeUInt32BE(checksum(bytes), 60);
  return bytes;
}

/**
 * Reads what {@link encodeEntry} wrote under `key`; waits for nothing unless the payload is compressed.
 *
 * @param likely tags that the entry probably has, in their order: kept instead of texts of their own
 * @throws UnreadableEntry for anything else: damage, another version, another key, a payload over the bound.
 */
export function decodeEntry<T>(
  key: string,
  bytes: Buffer,
  serializer: Serializer<T>,
  options: CodecOptions,
  likely: readonly string[] = [],
): DecodedEntry<T> | Promise<DecodedEntry<T>> {
  // Before the checksum: whoever filled this with half a gigabyte must not hold the event loop.
  if (bytes.length > maxStoredBytes(options)) throw new UnreadableEntry('entry over the bound');
  if (bytes.length < HEADER_BYTES || bytes[0] !== MAGIC) throw new UnreadableEntry('not an entry');
  if (bytes[1] !== WIRE_VERSION) throw new UnreadableEntry(`wire version ${bytes[1]}`);
  if (bytes[4] !== serializer.id) throw new UnreadableEntry('another serializer');
  const length = bytes.readUInt32BE(56);
  if (length > options.maxEntryBytes) throw new UnreadableEntry('payload over the bound');
  if (bytes.readUInt32BE(60) !== checksum(bytes)) throw new UnreadableEntry('checksum');
  const cursor = new Cursor(bytes, HEADER_BYTES);
  // The full key is compared: an entry moved under another key must not be served there.
  if (cursor.text() !== key) throw new UnreadableEntry('another key');
  const names = { tags: readTags(cursor, likely), validator: readValidator(cursor) };
  const finish = (payload: Buffer): DecodedEntry<T> => {
    if (payload.length !== length) throw new UnreadableEntry('length');
    return decodedOf(bytes, names, decodeValue(serializer, payload, options.maxEntryValues));
  };
  return bytes[2] === ENCODING_BROTLI ? unpack(cursor.rest(), length).then(finish) : finish(cursor.rest());
}

function decodedOf<T>(
  bytes: Buffer,
  { tags, validator }: { tags: readonly string[]; validator: string },
  value: T,
): DecodedEntry<T> {
  const epoch = bytes.toString('hex', BORN_OFFSET, BORN_OFFSET + 8);
  // Two halves, not a BigInt: exact below 2^53, as every number here is.
  const seq = bytes.readUInt32BE(BORN_OFFSET + 8) * 2 ** 32 + bytes.readUInt32BE(BORN_OFFSET + 12);
  return {
    value,
    born: sharedHead(epoch, seq),
    tags,
    validator,
    negative: (bytes[3]! & FLAG_NEGATIVE) !== 0,
    bytes: bytes.readUInt32BE(56),
    createdAt: bytes.readDoubleBE(24),
    freshUntil: bytes.readDoubleBE(32),
    revalidateUntil: bytes.readDoubleBE(40),
    errorUntil: bytes.readDoubleBE(48),
  };
}

interface Names {
  readonly tags: readonly string[];
  readonly validator: string;
}

function namesLength(key: string, { tags, validator }: Names): number {
  let length = 12 + Buffer.byteLength(key) + Buffer.byteLength(validator);
  for (const tag of tags) length += 4 + Buffer.byteLength(tag);
  return length;
}

/** @returns where they end */
function writeNames(bytes: Buffer, start: number, key: string, { tags, validator }: Names): number {
  let at = writeText(bytes, start, key);
  at = bytes.writeUInt32BE(tags.length, at);
  for (const tag of tags) at = writeText(bytes, at, tag);
  return writeText(bytes, at, validator);
}

function writeText(bytes: Buffer, at: number, text: string): number {
  const length = bytes.write(text, at + 4, 'utf8');
  bytes.writeUInt32BE(length, at);
  return at + 4 + length;
}

function readTags(cursor: Cursor, likely: readonly string[]): readonly string[] {
  const count = cursor.uint32();
  if (count > MAX_TAGS) throw new UnreadableEntry('too many tags');
  let isLikely = count === likely.length;
  const tags: string[] = [];
  for (let i = 0; i < count; i++) {
    const tag = cursor.text();
    if (tag !== likely[i]) isLikely = false;
    tags.push(tag);
  }
  return isLikely ? likely : tags;
}

function readValidator(cursor: Cursor): string {
  const length = cursor.peekLength();
  if (length > 4 * MAX_VALIDATOR_LENGTH) throw new UnreadableEntry('validator over the bound');
  return cursor.text();
}

/** Of everything but itself. */
function checksum(bytes: Buffer): number {
  return crc32(bytes.subarray(HEADER_BYTES), crc32(bytes.subarray(0, 60)));
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
  constructor(
    private readonly bytes: Buffer,
    private offset: number,
  ) {}

  uint32(): number {
    const value = this.peekLength();
    this.offset += 4;
    return value;
  }

  /** Of the text that comes next. */
  peekLength(): number {
    if (this.offset + 4 > this.bytes.length) throw new UnreadableEntry('truncated');
    return this.bytes.readUInt32BE(this.offset);
  }

  text(): string {
    const length = this.uint32();
    const end = this.offset + length;
    if (end > this.bytes.length) throw new UnreadableEntry('truncated');
    const text = this.bytes.toString('utf8', this.offset, end);
    this.offset = end;
    return text;
  }

  rest(): Buffer {
    return this.bytes.subarray(this.offset);
  }
}
