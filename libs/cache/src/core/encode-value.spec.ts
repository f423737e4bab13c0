import fc from 'fast-check';
import { isDeepStrictEqual } from 'node:util';
import { encodeValue } from './encode-value';

const plain = fc.letrec((tie) => ({
  value: fc.oneof(
    { depthSize: 'small', withCrossShrink: true },
    fc.string(),
    fc.constantFrom('1', 's1:a', 'u;', 'a0:', '__proto__', ''),
    fc.integer(),
    fc.boolean(),
    fc.constant(null),
    fc.bigInt(),
    fc.date({ noInvalidDate: true }),
    fc.array(tie('value'), { maxLength: 3 }),
    fc.dictionary(fc.constantFrom('a', 'b', '1:a', '__proto__', 'ab'), tie('value'), { maxKeys: 3 }),
  ),
})).value;

describe('encodeValue', () => {
  it('gives two values one text only if they are equal', () => {
    const property = fc.property(plain, plain, (a, b) => {
      const texts = [encodeValue(a), encodeValue(b)];
      expect(texts[0] === texts[1]).toBe(isDeepStrictEqual(plainly(a), plainly(b)));
    });
    fc.assert(property, { numRuns: 3_000 });
  });

  it('gives a list and what looks like one, a number and its text, nothing and its names different texts', () => {
    const values = [
      ['a', 'b'],
      'a,b',
      ['a,b'],
      [['a'], 'b'],
      [],
      {},
      '',
      null,
      undefined,
      'null',
      0,
      '0',
      0n,
      false,
      [0],
    ];
    const texts = values.map((value) => encodeValue(value));
    expect(new Set(texts).size).toBe(values.length);
  });

  it('does not care for the order of properties, nor for properties that are undefined', () => {
    expect(encodeValue({ a: 1, b: [{ c: 2, d: undefined }] })).toBe(encodeValue({ b: [{ c: 2 }], a: 1 }));
  });

  it.each<[string, unknown]>([
    ['a function', () => 1],
    ['a symbol', Symbol('x')],
    ['an instance', new (class Money {})()],
    ['a map', new Map()],
    ['text that is not well-formed', 'a\ud800'],
    ['a name that is not well-formed', { 'a\ud800': 1 }],
    ['a cycle', cycle()],
    ['a name that is a symbol', { a: 1, [Symbol('gt')]: 5 }],
    ['a list with a hole', Object.assign(new Array<number>(3), { 0: 1, 2: 2 })],
    ['a list with a property', Object.assign([1], { x: 1 })],
  ])('has no text for %s, wherever it stands', (_what, value) => {
    expect(encodeValue(value)).toBeUndefined();
    expect(encodeValue([{ deep: value }])).toBeUndefined();
  });

  it('reads each part once, and writes hardly more than it reads', () => {
    let reads = 0;
    const parts: Record<string, unknown> = {};
    for (let i = 0; i < 100; i++) {
      Object.defineProperty(parts, `name${i}`, { enumerable: true, get: () => (reads++, 'x'.repeat(650)) });
    }
    const text = encodeValue(parts)!;
    expect(reads).toBe(100);
    expect(text.length).toBeLessThan(1.05 * 100 * 657);
  });
});

function cycle(): unknown {
  const list: unknown[] = [];
  list.push(list);
  return list;
}

/** Dictionaries of fast-check have no prototype, or one; that is no difference here. */
function plainly(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(plainly);
  if (typeof value !== 'object' || value === null || value instanceof Date) return value;
  const sorted = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1));
  return { properties: sorted.map(([name, part]) => [name, plainly(part)]) };
}
