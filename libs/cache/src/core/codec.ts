import { promisify } from 'node:util';
import { brotliCompress, brotliDecompress, constants, crc32 } from 'node:zlib';
import { sharedHead, type DecodedEntry } from './entry';
import type { Head } from './ports/remote-store';
import type { Payload, Serializer } from './ports/serializer';
import { encodeNames, readNames, UnreadableEntry, type FoundNames } from './wire-names';

export { MAX_TAGS, MAX_VALIDATOR_LENGTH, UnreadableEntry } from './wire-names';

const compress = promisify(brotliCompress);
const decompress = promisify(brotliDecompress);

/** Version of the wire format. Another version is a miss, never a guess. */
export const WIRE_VERSION = 3;
const MAGIC = 0x53;
const HEADER_BYTES = 60;
const LENGTH_OFFSET = 56;
const CHECKSUM_BYTES = 4;
/** Checksum of anything that ends with its own checksum, lowest byte first: one pass, and no part of it made. */
const SOUND = 0x2144_df1c;
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
  HEADER_BYTES + NAMES_BYTES + maxEntryBytes + CHECKSUM_BYTES;

/**
 * Writes `entry`, at once unless it is compressed, as: fixed header (magic, wire version, encoding, flags, serializer,
 * born, times, size), full key, tags, validator, payload, checksum. All integers but the last are big-endian.
 */
export function encodeEntry<T>(
  key: string,
  entry: DecodedEntry<T>,
  payload: Payload,
  serializer: Serializer<T>,
  options: CodecOptions,
  counters?: { savedBytes: number },
): Buffer | Promise<Buffer> {
  if (typeof payload === 'string' || payload.length < options.compressionThreshold)
    return written(key, entry, payload, payload, serializer);
  return encodePacked(key, entry, payload, serializer, counters);
}

async function encodePacked<T>(
  key: string,
  entry: DecodedEntry<T>,
  payload: Buffer,
  serializer: Serializer<T>,
  counters: { savedBytes: number } | undefined,
): Promise<Buffer> {
  const packed = await pack(payload);
  if (packed.length >= payload.length) return written(key, entry, payload, payload, serializer);
  if (counters !== undefined) counters.savedBytes += payload.length - packed.length;
  return written(key, entry, payload, packed, serializer);
}

function written<T>(
  key: string,
  entry: DecodedEntry<T>,
  payload: Payload,
  body: Payload,
  serializer: Serializer<T>,
): Buffer {
  const names = encodeNames(key, entry);
  // Of a text they have been counted.
  const size = typeof payload === 'string' ? entry.bytes : payload.length;
  const end = HEADER_BYTES + names.length;
  const last = end + (body === payload ? size : body.length);
  const bytes = Buffer.allocUnsafe(last + CHECKSUM_BYTES);
  bytes[0] = MAGIC;
  bytes[1] = WIRE_VERSION;
  bytes[2] = body === payload ? ENCODING_IDENTITY : ENCODING_BROTLI;
  bytes[3] = entry.negative ? FLAG_NEGATIVE : 0;
  bytes[4] = serializer.id;
  bytes.writeUIntBE(0, 5, 3);
  writeBorn(bytes, entry.born);
  bytes.writeDoubleBE(entry.createdAt, 24);
  bytes.writeDoubleBE(entry.freshUntil, 32);
  bytes.writeDoubleBE(entry.revalidateUntil, 40);
  bytes.writeDoubleBE(entry.errorUntil, 48);
  bytes.writeUInt32BE(size, LENGTH_OFFSET);
  if (typeof names === 'string' && typeof body === 'string' && body.length === size) {
    // A text of as many characters as bytes is ASCII, as the names are: one write for both.
    bytes.write(names + body, HEADER_BYTES, 'latin1');
  } else {
    put(names, 'latin1', bytes, HEADER_BYTES);
    put(body, 'utf8', bytes, end);
  }
  bytes.writeUInt32LE(crc32(bytes.subarray(0, last)), last);
  return bytes;
}

function put(part: Payload, encoding: BufferEncoding, into: Buffer, offset: number): void {
  if (typeof part === 'string') into.write(part, offset, encoding);
  else part.copy(into, offset);
}

/** Two halves each, not BigInts: exact below 2^53, as every number here is. */
function writeBorn(bytes: Buffer, { epoch, seq }: Head): void {
  if (epoch !== lastEpoch.text) {
    lastEpoch = { high: parseInt(epoch.slice(0, 8), 16), low: parseInt(epoch.slice(8), 16), text: epoch };
  }
  bytes.writeUInt32BE(lastEpoch.high, BORN_OFFSET);
  bytes.writeUInt32BE(lastEpoch.low, BORN_OFFSET + 4);
  bytes.writeUInt32BE(Math.floor(seq / 2 ** 32), BORN_OFFSET + 8);
  bytes.writeUInt32BE(seq % 2 ** 32, BORN_OFFSET + 12);
}

/**
 * Reads what {@link encodeEntry} wrote under `key`; waits for nothing unless the payload is compressed.
 *
 * @param likely tags that the entry probably has, in their order: kept instead of texts of their own
 * @param likelyFollow true where it is known that they begin with those that follow from the key
 * @throws UnreadableEntry for anything else: damage, another version, another key, a payload over the bound.
 */
export function decodeEntry<T>(
  key: string,
  bytes: Buffer,
  serializer: Serializer<T>,
  options: CodecOptions,
  likely: readonly string[] = [],
  likelyFollow = false,
): DecodedEntry<T> | Promise<DecodedEntry<T>> {
  // Before the checksum: whoever filled this with half a gigabyte must not hold the event loop.
  if (bytes.length > maxStoredBytes(options)) throw new UnreadableEntry('entry over the bound');
  if (bytes.length < HEADER_BYTES + CHECKSUM_BYTES || bytes[0] !== MAGIC) throw new UnreadableEntry('not an entry');
  if (bytes[1] !== WIRE_VERSION) throw new UnreadableEntry(`wire version ${bytes[1]}`);
  if (bytes[4] !== serializer.id) throw new UnreadableEntry('another serializer');
  const length = bytes.readUInt32BE(LENGTH_OFFSET);
  if (length > options.maxEntryBytes) throw new UnreadableEntry('payload over the bound');
  if (crc32(bytes) !== SOUND) throw new UnreadableEntry('checksum');
  const names = readNames(bytes, HEADER_BYTES, key, likely, likelyFollow);
  if (names.end > bytes.length - CHECKSUM_BYTES) throw new UnreadableEntry('names that run into the checksum');
  const body = bytes.subarray(names.end, bytes.length - CHECKSUM_BYTES);
  if (bytes[2] !== ENCODING_BROTLI) return finished(bytes, names, body, serializer, options);
  return unpack(body, length).then((payload) => finished(bytes, names, payload, serializer, options));
}

function finished<T>(
  bytes: Buffer,
  names: FoundNames,
  payload: Buffer,
  serializer: Serializer<T>,
  { maxEntryValues }: CodecOptions,
): DecodedEntry<T> {
  if (payload.length !== bytes.readUInt32BE(LENGTH_OFFSET)) throw new UnreadableEntry('length');
  return decodedOf(bytes, names, decodeValue(serializer, payload, maxEntryValues));
}

function decodedOf<T>(bytes: Buffer, { tags, validator, follows }: FoundNames, value: T): DecodedEntry<T> {
  const epoch = epochIn(bytes);
  const seq = bytes.readUInt32BE(BORN_OFFSET + 8) * 2 ** 32 + bytes.readUInt32BE(BORN_OFFSET + 12);
  return {
    value,
    born: sharedHead(epoch, seq),
    tags,
    follows,
    validator,
    negative: (bytes[3]! & FLAG_NEGATIVE) !== 0,
    bytes: bytes.readUInt32BE(LENGTH_OFFSET),
    createdAt: bytes.readDoubleBE(24),
    freshUntil: bytes.readDoubleBE(32),
    revalidateUntil: bytes.readDoubleBE(40),
    errorUntil: bytes.readDoubleBE(48),
  };
}

let lastEpoch = { high: 0, low: 0, text: '0'.repeat(16) };

/** Mostly the same as last time: one text for all. */
function epochIn(bytes: Buffer): string {
  const [high, low] = [bytes.readUInt32BE(BORN_OFFSET), bytes.readUInt32BE(BORN_OFFSET + 4)];
  if (high !== lastEpoch.high || low !== lastEpoch.low) {
    lastEpoch = { high, low, text: bytes.toString('hex', BORN_OFFSET, BORN_OFFSET + 8) };
  }
  return lastEpoch.text;
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
