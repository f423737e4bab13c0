import fc from 'fast-check';
import { brotliCompressSync, crc32 } from 'node:zlib';
import { decodeEntry, encodeEntry, UnreadableEntry } from './codec';
import type { DecodedEntry } from './entry';
import { jsonSerializer } from './json-serializer';

const OPTIONS = { compressionThreshold: 200, maxEntryBytes: 100_000, maxEntryValues: 10_000 };
const ENTRY: DecodedEntry<unknown> = {
  value: undefined,
  born: { epoch: '00112233445566ff', seq: 12_345_678_901 },
  tags: ['k:test:a', '*', 't:größe'],
  validator: '"v7"',
  negative: false,
  bytes: 0,
  createdAt: 1_700_000_000_000,
  freshUntil: 1_700_000_010_000,
  revalidateUntil: 1_700_000_015_000,
  errorUntil: 1_700_000_070_000,
};

/** With the tags that every entry of its key carries. */
const OF_PLACE = { ...ENTRY, tags: ['k:test:a', '*', '*:test', 't:größe'] };

const GOLDEN_V2 =
  '530200000100000000112233445566ff00000002dfdc1c354278bcfe568000004278bcfe58f100004278bcfe5a2980004278bcfe' +
  '679700000000000ff26e2b2600000006746573743a6100000003000000086b3a746573743a61000000012a00000009743a6772c3' +
  'b6c39f6500000004227637227b2268656c6c6f223a5b312c325d7d';

const GOLDEN_V3 =
  '530300000100000000112233445566ff00000002dfdc1c354278bcfe568000004278bcfe58f100004278bcfe5a2980004278bcfe' +
  '679700000000000f00000006746573743a618000000100000009743a6772c3b6c39f6500000004227637227b2268656c6c6f223a' +
  '5b312c325d7d35687dcd';

const encode = (value: unknown, key = 'test:a', entry = ENTRY): Promise<Buffer> =>
  Promise.resolve(encodeEntry(key, entry, jsonSerializer.encode(value), jsonSerializer, OPTIONS));
const decode = async (bytes: Buffer, key = 'test:a'): Promise<DecodedEntry<unknown>> =>
  decodeEntry(key, bytes, jsonSerializer, OPTIONS);

/** Repairs the checksum, so that a test reaches the checks behind it. */
function resealed(bytes: Buffer): Buffer {
  const end = bytes.length - 4;
  bytes.writeUInt32LE(crc32(bytes.subarray(0, end)), end);
  return bytes;
}

describe('codec', () => {
  it('reads back what it wrote', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.json(),
        fc.array(fc.string({ unit: 'grapheme' }), { maxLength: 5 }),
        fc.boolean(),
        async (json, tags, negative) => {
          const value: unknown = JSON.parse(json);
          const decoded = await decode(await encode(value, 'test:a', { ...ENTRY, tags, negative }));
          expect(decoded).toEqual({
            ...ENTRY,
            tags,
            negative,
            follows: false,
            value: JSON.parse(JSON.stringify(value)),
            bytes: decoded.bytes,
          });
        },
      ),
    );
  });

  it('still reads the golden payload of wire version 3', async () => {
    const decoded = await decode(Buffer.from(GOLDEN_V3, 'hex'));
    expect(decoded).toEqual({ ...OF_PLACE, follows: true, value: { hello: [1, 2] }, bytes: 15 });
  });

  it('writes wire version 3 as the golden payload has it', async () => {
    expect((await encode({ hello: [1, 2] }, 'test:a', OF_PLACE)).toString('hex')).toBe(GOLDEN_V3);
  });

  it('refuses the golden payload of wire version 2 by its version', async () => {
    await expect(decode(Buffer.from(GOLDEN_V2, 'hex'))).rejects.toThrow('wire version 2');
  });

  it('refuses another wire version even when everything else is sound', async () => {
    const bytes = Buffer.from(GOLDEN_V3, 'hex');
    bytes[1] = 4;
    await expect(decode(resealed(bytes))).rejects.toThrow('wire version 4');
  });

  it('writes no tag that follows from the key: each is in all entries of a cache', async () => {
    const few = await encode(1, 'test:a', { ...OF_PLACE, tags: ['k:test:a', '*', '*:test'] });
    expect(few).toHaveLength((await encode(1, 'test:a', { ...OF_PLACE, tags: [] })).length);
    expect((await decode(few)).tags).toEqual(['k:test:a', '*', '*:test']);
  });

  it('compresses only above the threshold, and keeps it only when smaller', async () => {
    const small = await encode('x'.repeat(100));
    const large = await encode('x'.repeat(10_000));
    const incompressible = { ...OPTIONS, compressionThreshold: 1 };
    const tiny = await encodeEntry('test:a', ENTRY, jsonSerializer.encode('q'), jsonSerializer, incompressible);
    expect([small[2], large[2], tiny[2]]).toEqual([0, 1, 0]);
    expect(large.length).toBeLessThan(300);
    expect((await decode(large)).value).toBe('x'.repeat(10_000));
    expect((await decode(tiny)).value).toBe('q');
  });

  it('refuses every single flipped bit', async () => {
    const bytes = await encode({ id: 1, name: 'Lamp' });
    for (let bit = 0; bit < bytes.length * 8; bit++) {
      const damaged = Buffer.from(bytes);
      damaged[bit >> 3]! ^= 1 << (bit & 7);
      await expect(decode(damaged)).rejects.toBeInstanceOf(UnreadableEntry);
    }
  });

  it('refuses every truncation, and bytes that are none of ours', async () => {
    const bytes = await encode({ id: 1 });
    for (let length = 0; length < bytes.length; length++) {
      await expect(decode(bytes.subarray(0, length))).rejects.toBeInstanceOf(UnreadableEntry);
    }
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ maxLength: 300, size: 'max' }), async (random) => {
        await expect(decode(Buffer.from(random))).rejects.toBeInstanceOf(UnreadableEntry);
      }),
    );
  });

  it('refuses an entry moved under another key', async () => {
    await expect(decode(await encode(1), 'test:b')).rejects.toThrow('another key');
  });

  it('refuses a payload over the bound, and a bomb that lies about its length', async () => {
    const tight = { ...OPTIONS, maxEntryBytes: 50 };
    const long = await encode('x'.repeat(100));
    expect(() => decodeEntry('test:a', long, jsonSerializer, tight)).toThrow('bound');
    const bomb = brotliCompressSync(Buffer.alloc(10_000_000, 0x20));
    const entry = await encodeEntry('test:a', ENTRY, bomb, jsonSerializer, OPTIONS);
    entry[2] = 1;
    await expect(decode(resealed(entry))).rejects.toThrow('compressed payload');
  });

  it('refuses names that run into the checksum', async () => {
    const bytes = Buffer.alloc(60 + 10 + 4 + 4 + 4);
    (await encode(1)).copy(bytes, 0, 0, 70);
    bytes.writeUInt32BE(0, 56);
    // The validator is as long as what comes after it.
    bytes.writeUInt32BE(4, 74);
    await expect(decode(resealed(bytes))).rejects.toThrow('run into the checksum');
  });

  it('refuses nesting that would exhaust the stack, and does not touch prototypes', async () => {
    const deep = `${'['.repeat(40_000)}${']'.repeat(40_000)}`;
    const entry = await encodeEntry('test:a', ENTRY, Buffer.from(deep), jsonSerializer, OPTIONS);
    await expect(decode(entry)).rejects.toBeInstanceOf(UnreadableEntry);
    const proto = Buffer.from('{"__proto__":{"polluted":true},"constructor":{"prototype":{"polluted":true}}}');
    await decode(await encodeEntry('test:a', ENTRY, proto, jsonSerializer, OPTIONS));
    expect(({} as { polluted?: boolean }).polluted).toBeUndefined();
  });
});
