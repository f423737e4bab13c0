import { followsFromPlace, OF_PLACE, placeIn } from './coherence/tags';
import { protocolTags } from './keys';

/** Most tags of one entry; with more it is returned but not stored. */
export const MAX_TAGS = 1_024;
/** Longest validator of a loader's source, in UTF-16 code units. */
export const MAX_VALIDATOR_LENGTH = 1_024;

/** Why bytes were refused. */
export class UnreadableEntry extends Error {}

/** What an entry is called by, besides its key. */
export interface Names {
  readonly tags: readonly string[];
  readonly validator: string;
}

/** The same, and whether it is known that the first tags are those that follow from the key; else that is looked at. */
interface NamesToWrite extends Names {
  readonly follows?: boolean;
}

/** Where the names of an entry end, and whether its first tags are not written, but follow from its key. */
export interface FoundNames extends Names {
  readonly end: number;
  readonly follows: boolean;
}

/**
 * In the number of tags: those that follow from the key are not written, and come before the others. So what
 * `protocolTags` makes of a key is part of the wire format, and a change of it takes another wire version.
 */
const FOLLOWING = 0x8000_0000;

/**
 * Key, number of tags, tags, validator; each text after its length in bytes, all numbers of 32 bits, big-endian. As one
 * text of latin1 where all texts are ASCII, as mostly they are: one write instead of one for each.
 */
export function encodeNames(key: string, { tags, validator, follows }: NamesToWrite): string | Buffer {
  const follow = follows === true || followsFromKey(tags, key);
  const written = follow ? tags.slice(OF_PLACE) : tags;
  if (!isPlain(key) || !isPlain(validator) || !written.every(isPlain)) {
    const count = uint32(written.length + (follow ? FOLLOWING : 0));
    return Buffer.concat([long(key), count, ...written.map(long), long(validator)]);
  }
  let names = short(key) + number(written.length, follow ? '\x80\0' : '\0\0');
  for (const tag of written) names += short(tag);
  return names + short(validator);
}

/** {@link followsFromPlace} for the name of an entry in the store. */
function followsFromKey(tags: readonly string[], key: string): boolean {
  const place = placeIn(key);
  return place !== undefined && followsFromPlace(tags, ...place);
}

function tagsOfKey(key: string): string[] {
  const place = placeIn(key);
  if (place === undefined) throw new UnreadableEntry('no tags follow from the key');
  return protocolTags(...place, []);
}

const ASCII = /^[\0-\x7f]*$/;
const isPlain = (text: string): boolean => text.length <= 0xffff && ASCII.test(text);

/** Of 16 bits, in 32. */
const number = (value: number, high = '\0\0'): string => `${high}${String.fromCharCode(value >>> 8, value & 0xff)}`;
const short = (text: string): string => number(text.length) + text;

function uint32(value: number): Buffer {
  const bytes = Buffer.allocUnsafe(4);
  bytes.writeUInt32BE(value);
  return bytes;
}

function long(text: string): Buffer {
  const bytes = Buffer.from(text, 'utf8');
  return Buffer.concat([uint32(bytes.length), bytes]);
}

/**
 * Reads what {@link encodeNames} made, from `start` on.
 *
 * @param likely tags that the entry probably has, in their order: kept instead of texts of their own
 * @param likelyFollow true where it is known that they begin with those that follow from the key
 * @throws UnreadableEntry for another key, and for what is no names
 */
export function readNames(
  bytes: Buffer,
  start: number,
  key: string,
  likely: readonly string[],
  likelyFollow = false,
): FoundNames {
  const expected = likelyNames(bytes, start, key, likely, likelyFollow);
  if (expected !== undefined) return expected;
  const cursor = new Cursor(bytes, start);
  // The full key is compared: an entry moved under another key must not be served there.
  if (cursor.text() !== key) throw new UnreadableEntry('another key');
  const follows = cursor.peekLength() >= FOLLOWING;
  const tags = readTags(cursor, key, likely);
  const validator = readValidator(cursor);
  return { tags, validator, end: cursor.offset, follows };
}

/**
 * The names, if they are what a reader expects: the key, the tags, no validator, and all of them ASCII. No text is made
 * of them. Byte by byte: for names as short as these, a comparison by Node's own functions costs more.
 */
function likelyNames(
  bytes: Buffer,
  start: number,
  key: string,
  likely: readonly string[],
  likelyFollow: boolean,
): FoundNames | undefined {
  let end = endOf(bytes, start, key);
  if (end === -1 || end + 4 > bytes.length) return undefined;
  const count = bytes.readUInt32BE(end);
  const follows = count >= FOLLOWING;
  const first = follows ? OF_PLACE : 0;
  if (count % FOLLOWING !== likely.length - first) return undefined;
  if (follows && !likelyFollow && !followsFromKey(likely, key)) return undefined;
  end += 4;
  for (let i = first; i < likely.length && end !== -1; i++) end = endOf(bytes, end, likely[i]!);
  if (end !== -1) end = endOf(bytes, end, '');
  return end === -1 ? undefined : { tags: likely, validator: '', end, follows };
}

/** Where `name` ends that stands at `offset` after its length; -1 for anything else. */
function endOf(bytes: Buffer, offset: number, name: string): number {
  const first = offset + 4;
  const end = first + name.length;
  if (end > bytes.length || bytes.readUInt32BE(offset) !== name.length) return -1;
  for (let i = 0; i < name.length; i++) {
    const code = name.charCodeAt(i);
    // A character beyond ASCII is more than one byte.
    if (code > 0x7f || bytes[first + i] !== code) return -1;
  }
  return end;
}

function readTags(cursor: Cursor, key: string, likely: readonly string[]): readonly string[] {
  const number = cursor.uint32();
  const count = number % FOLLOWING;
  const tags = number < FOLLOWING ? [] : tagsOfKey(key);
  if (tags.length + count > MAX_TAGS) throw new UnreadableEntry('too many tags');
  for (let i = 0; i < count; i++) tags.push(cursor.text());
  return tags.length === likely.length && tags.every((tag, i) => tag === likely[i]) ? likely : tags;
}

function readValidator(cursor: Cursor): string {
  const length = cursor.peekLength();
  if (length > 4 * MAX_VALIDATOR_LENGTH) throw new UnreadableEntry('validator over the bound');
  return cursor.text();
}

/** Reads a buffer front to back and refuses to read past its end. */
class Cursor {
  constructor(
    private readonly bytes: Buffer,
    public offset: number,
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
    const text = length === 0 ? '' : this.bytes.toString('utf8', this.offset, end);
    this.offset = end;
    return text;
  }
}
