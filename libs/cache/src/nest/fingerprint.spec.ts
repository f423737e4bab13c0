import { Cacheable } from './decorators';
import { fingerprint } from './fingerprint';

class Prices {
  @Cacheable({ key: () => 'a' })
  async first() {
    return 1;
  }

  @Cacheable({ key: () => 'b' })
  async second() {
    return { other: 2 };
  }
}

describe('fingerprint', () => {
  it('tells decorated methods by what they were decorated around', () => {
    const { first, second } = Prices.prototype;
    expect(fingerprint(first)).not.toBe(fingerprint(second));
    expect(fingerprint(first)).toBe(fingerprint(first));
  });

  it('tells functions and plain data apart, and the order of parts', () => {
    const parts: unknown[][] = [
      [() => 1],
      [() => 2],
      [{ a: 1 }],
      [{ a: 2 }],
      ['a', 'b'],
      ['ab'],
      ['b', 'a'],
      [undefined],
    ];
    expect(new Set(parts.map((some) => fingerprint(...some))).size).toBe(parts.length);
  });

  it.each<[string, unknown]>([
    ['a bound or built-in function', Prices.prototype.first.bind(undefined)],
    ['an object with a function in it', { parse: () => 1 }],
    ['a RegExp', { pattern: /a/ }],
    ['a Map', new Map([[1, 2]])],
  ])('refuses %s, whose change it would not see', (what, part) => {
    expect(() => fingerprint(part)).toThrow(`fingerprint: ${what}`);
  });
});
