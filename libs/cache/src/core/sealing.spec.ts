import fc from 'fast-check';
import { encodeEntry } from './codec';
import { jsonSerializer } from './json-serializer';
import { resolveCacheOptions } from './options';
import { systemClock } from './ports/clock';
import { seal, type LoadedValue } from './sealing';

const KEY = 'c:k';
const WHAT = {
  declined: false,
  notModified: false,
  born: { epoch: '00112233445566ff', seq: 7 },
  tags: ['k:c:k', '*', '*:c'],
  validator: '',
};

function sealed(value: unknown, options: object = {}): LoadedValue<unknown> {
  const cache = resolveCacheOptions<unknown>(options);
  return seal(value, WHAT, cache, cache, systemClock);
}

describe('a loaded value', () => {
  it('is the same in its entry whether it went there as text or as bytes', async () => {
    const text = fc.string({ unit: fc.constantFrom('a', '"', 'é', 'ÿ', '€', '😀', '\ud800', '\0'), maxLength: 80 });
    const value = fc.oneof(text, fc.array(text, { maxLength: 6 }), fc.dictionary(text, fc.oneof(text, fc.double())));
    await fc.assert(
      fc.asyncProperty(value, fc.integer({ min: 1, max: 300 }), async (value, compressionThreshold) => {
        const options = resolveCacheOptions<unknown>({ compressionThreshold });
        const { entry, payload, value: copy } = sealed(value, { compressionThreshold });
        const bytes = jsonSerializer.encode(value);
        expect(entry.bytes).toBe(bytes.length);
        expect(copy).toEqual(jsonSerializer.decode(bytes));
        // What is compressed is needed as bytes.
        expect(typeof payload === 'string').toBe(bytes.length < compressionThreshold);
        const written = await encodeEntry(KEY, entry, payload, jsonSerializer, options);
        expect(written.equals(await encodeEntry(KEY, entry, bytes, jsonSerializer, options))).toBe(true);
      }),
    );
  });

  it('is counted where it may have too many values, however short it is', () => {
    expect(sealed([1, 2, 3], { maxEntryValues: 3 }).refusal).toBe('values');
    expect(sealed([1, 2, 3], { maxEntryValues: 5 }).refusal).toBeUndefined();
    expect(typeof sealed([1, 2, 3], { maxEntryValues: 5 }).payload).toBe('object');
  });

  it('of a serializer that is made of the JSON one is encoded by its own functions', () => {
    const hidden = {
      ...jsonSerializer,
      encode: (value: unknown) => Buffer.from(jsonSerializer.encode(value).map((byte) => byte ^ 0xff)),
      decode: (bytes: Buffer) => jsonSerializer.decode(Buffer.from(bytes.map((byte) => byte ^ 0xff))),
    };
    const { payload, value } = sealed({ secret: 'abc' }, { serializer: hidden });
    expect(Buffer.from(payload).includes('abc')).toBe(false);
    expect(value).toEqual({ secret: 'abc' });
  });
});
