import fc from 'fast-check';
import { encodeNames, readNames } from './wire-names';

const encoded = (key: string, tags: readonly string[], validator = ''): Buffer => {
  const names = encodeNames(key, { tags, validator });
  return typeof names === 'string' ? Buffer.from(names, 'latin1') : names;
};

const text = fc.string({ unit: fc.constantFrom('a', 'k', ':', '*', '\0', 'é', 'Ã', '©', '€'), maxLength: 6 });
const texts = fc.array(text, { maxLength: 4, size: 'max' });

describe('names of an entry', () => {
  it('are the same whatever tags the reader has expected', () => {
    fc.assert(
      fc.property(text, texts, fc.option(texts), text, (key, tags, others, validator) => {
        const bytes = Buffer.concat([Buffer.from('before'), encoded(key, tags, validator), Buffer.from('after')]);
        const end = bytes.length - 5;
        for (const likely of [tags, others ?? [], []]) {
          expect(readNames(bytes, 6, key, likely)).toEqual({ tags, validator, end });
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

  it.each([0, 3, 7, 9, 20])('that end after %d bytes are refused', (length) => {
    const tags = ['k:c:a', '*'];
    expect(() => readNames(encoded('c:a', tags).subarray(0, length), 0, 'c:a', tags)).toThrow('truncated');
  });
});
