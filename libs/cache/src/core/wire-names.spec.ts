import fc from 'fast-check';
import { followsFromPlace } from './coherence/tags';
import { protocolTags } from './keys';
import { encodeNames, readNames } from './wire-names';

const encoded = (key: string, tags: readonly string[], validator = ''): Buffer => {
  const names = encodeNames(key, { tags, validator });
  return typeof names === 'string' ? Buffer.from(names, 'latin1') : names;
};

const text = fc.string({ unit: fc.constantFrom('a', 'k', ':', '*', '\0', 'é', 'Ã', '©', '€'), maxLength: 6 });
/** As entries have them in a store: name of the cache, colon, key of the user. */
const key = text.map((own) => `c:${own}`);
const tagsOfKey = (name: string): string[] => [`k:${name}`, '*', `*:${name.slice(0, name.indexOf(':'))}`];
const texts = fc.array(text, { maxLength: 4, size: 'max' });

describe('names of an entry', () => {
  it('are the same whatever tags the reader has expected', () => {
    fc.assert(
      fc.property(key, texts, fc.option(texts), text, fc.boolean(), (key, further, others, validator, ofPlace) => {
        const tags = ofPlace ? [...tagsOfKey(key), ...further] : further;
        const bytes = Buffer.concat([Buffer.from('before'), encoded(key, tags, validator), Buffer.from('after')]);
        const end = bytes.length - 5;
        const follows = followsFromPlace(tags, 'c', key.slice(2));
        for (const likely of [tags, others ?? [], [], [...tagsOfKey(key), ...(others ?? [])], tagsOfKey('c:b')]) {
          expect(readNames(bytes, 6, key, likely)).toEqual({ tags, validator, end, follows });
        }
      }),
    );
  });

  it('are the same where it is known that tags follow from the key, and nobody looks at them', () => {
    const owns = fc.oneof(text, fc.constantFrom('x'.repeat(196), 'x'.repeat(250), 'é'.repeat(250)));
    fc.assert(
      fc.property(owns, texts, texts, text, (own, further, others, validator) => {
        const [name, tags] = [`c:${own}`, protocolTags('c', own, further)];
        const names = encodeNames(name, { tags, validator, follows: true });
        const bytes = typeof names === 'string' ? Buffer.from(names, 'latin1') : names;
        for (const likely of [tags, protocolTags('c', own, others), protocolTags('c', own, [])]) {
          for (const known of [true, false])
            expect(readNames(bytes, 0, name, likely, known)).toMatchObject({ tags, validator, end: bytes.length });
        }
      }),
    );
  });

  it('are the very list that was expected, where they are equal: no texts of their own', () => {
    const [tags, names] = [['k:c:a', '*', '*:c'], encoded('c:a', ['k:c:a', '*', '*:c'])];
    expect(readNames(names, 0, 'c:a', tags).tags).toBe(tags);
    const beyondAscii = ['k:c:é', '*', '*:c'];
    expect(readNames(encoded('c:é', beyondAscii), 0, 'c:é', beyondAscii).tags).toBe(beyondAscii);
  });

  it('of a key whose bytes would read as another one, taken a byte a character, are refused', () => {
    const bytes = encoded('é', []);
    expect(readNames(bytes, 0, 'é', [])).toMatchObject({ tags: [] });
    expect(() => readNames(bytes, 0, Buffer.from('é').toString('latin1'), [])).toThrow('another key');
  });

  it('leave out the tags that follow from the key, and no others', () => {
    const length = (tags: readonly string[]): number => encoded('c:a', tags).length;
    expect(length(tagsOfKey('c:a'))).toBe(length([]));
    expect(length([...tagsOfKey('c:a'), 't:x'])).toBe(length(['t:x']));
    for (const others of [
      ['k:c:b', '*', '*:c'],
      ['k:c:a', '*', '*:d'],
      ['k:c:a', '*:c', '*'],
      ['k:c:a', '*'],
    ]) {
      expect(length(others)).toBeGreaterThan(length([]) + others.join('').length);
    }
  });

  it('are those of their key, also where the reader has expected those of another one', () => {
    const bytes = encoded('c:a', tagsOfKey('c:a'));
    for (const others of [tagsOfKey('c:b'), tagsOfKey('d:a'), ['x', 'y', 'z']]) {
      expect(readNames(bytes, 0, 'c:a', others).tags).toEqual(tagsOfKey('c:a'));
    }
  });

  it('that leave out tags of a key from which none follow are refused', () => {
    const names = encoded('c:a', tagsOfKey('c:a'));
    names.write('-', 5);
    expect(() => readNames(names, 0, 'c-a', [])).toThrow('no tags follow');
  });

  it.each([
    ['at the bound of a plain name', 200, 0],
    ['beyond it, with a digest for a tag', 201, 3],
  ])('of a key %s are read back', (_what, length, written) => {
    const name = `c:${'a'.repeat(length)}`;
    const tags = [...protocolTags('c', 'a'.repeat(length), []), 't:x'];
    const bytes = encoded(name, tags);
    expect(bytes.readUInt32BE(4 + name.length) % 0x8000_0000).toBe(written + 1);
    const names = { tags, validator: '', end: bytes.length, follows: written === 0 };
    expect(readNames(bytes, 0, name, tags)).toEqual(names);
    expect(readNames(bytes, 0, name, [])).toEqual(names);
  });

  it.each([0x401, 0x8000_03fe, 0x8000_0401, 0xffff_ffff])('with too many tags are refused: %d', (count) => {
    const bytes = encoded('c:a', []);
    bytes.writeUInt32BE(count, 7);
    expect(() => readNames(bytes, 0, 'c:a', [])).toThrow('too many tags');
  });

  it.each([0, 3, 7, 9, 20])('that end after %d bytes are refused', (length) => {
    const tags = ['k:c:a', 't:x'];
    expect(() => readNames(encoded('c:a', tags).subarray(0, length), 0, 'c:a', tags)).toThrow('truncated');
  });
});
