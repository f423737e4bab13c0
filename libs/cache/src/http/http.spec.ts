import fc from 'fast-check';
import { cacheStatus } from './cache-status';
import { hasDirective, requestBypass, responseStorable } from './cacheability';
import { canonicalKey, type KeyPart } from './canonical-key';
import { EncodedForms } from './encoded-forms';
import { decodeRepresentation, encodeRepresentation } from './representation';

describe('canonicalKey', () => {
  it('ignores order and what is not given, and keeps empty apart from absent', () => {
    expect(canonicalKey('list', { b: 1, a: 'x' })).toBe('list?a=x&b=1');
    expect(canonicalKey('list', { b: 1, a: 'x', c: undefined })).toBe(canonicalKey('list', { a: 'x', b: 1 }));
    expect(canonicalKey('list', { a: '' })).not.toBe(canonicalKey('list', {}));
  });

  it('never gives two different inputs one key', () => {
    const part: fc.Arbitrary<KeyPart> = fc.oneof(
      fc.string({ unit: 'grapheme' }),
      fc.constantFrom('&', '=', '?', 'a=b', '%26', ''),
    );
    const input = fc.dictionary(fc.constantFrom('a', 'b', 'a=b', 'a&b', 'c'), part);
    fc.assert(
      fc.property(input, input, (x, y) => {
        const same = JSON.stringify(Object.entries(x).sort()) === JSON.stringify(Object.entries(y).sort());
        expect(canonicalKey('k', x) === canonicalKey('k', y)).toBe(same);
      }),
      { numRuns: 2_000 },
    );
  });

  it.each(['%', '&', '=', '?', 'ü', '%26'])('keeps %s apart from what it is escaped to', (text) => {
    const keys = [text, encodeURIComponent(text)].map((value) => canonicalKey('k', { a: value }));
    expect(new Set([...keys, canonicalKey('k', { [text]: 'a' })]).size).toBe(3);
  });

  it('sorts many parts as it sorts few', () => {
    const names = 'hgfedcbaji'.split('');
    for (const count of [3, 8, 9, 10]) {
      const some = names.slice(0, count);
      const parts = Object.fromEntries(some.map((name) => [name, 1]));
      expect(canonicalKey('k', parts)).toBe(`k?${[...some].sort().join('=1&')}=1`);
    }
  });

  it('makes no key of text that is not well-formed', () => {
    expect(canonicalKey('k', { a: '\ud800' })).toBeUndefined();
  });
});

describe('cacheStatus (RFC 9211)', () => {
  it('names tier and remaining life of a hit', () => {
    expect(cacheStatus({ kind: 'hit', ttlSeconds: 27, detail: 'L1' })).toBe('strata; hit; ttl=27; detail=L1');
  });

  it('names why a request was forwarded', () => {
    expect(cacheStatus({ kind: 'forward', reason: 'uri-miss', stored: true, collapsed: true })).toBe(
      'strata; fwd=uri-miss; stored; collapsed',
    );
    expect(cacheStatus({ kind: 'forward', reason: 'bypass', stored: false, collapsed: false, detail: 'cookie' })).toBe(
      'strata; fwd=bypass; detail=cookie',
    );
  });
});

describe('requestBypass', () => {
  it.each([
    ['POST', {}, true, 'method'],
    ['GET', { 'cache-control': 'max-age=0, No-Store' }, true, 'no-store'],
    ['GET', { authorization: 'Bearer x' }, false, 'authorization'],
    ['GET', { cookie: 'a=b' }, false, 'cookie'],
    ['GET', { authorization: 'Bearer x', cookie: 'a=b' }, true, undefined],
    ['HEAD', {}, false, undefined],
  ])('%s with %j, public %s: %s', (method, headers, isPublic, reason) => {
    expect(requestBypass(method, headers, isPublic)).toBe(reason);
  });
});

describe('responseStorable', () => {
  it.each([
    [{}, true],
    [{ 'set-cookie': ['a=b'] }, false],
    [{ 'cache-control': 'private' }, false],
    [{ 'cache-control': 'max-age=5, no-store' }, false],
    [{ 'cache-control': 'no-cache' }, true],
    [{ vary: 'Accept, *' }, false],
    [{ vary: 'Accept' }, false],
    [{ vary: 'Accept-Encoding' }, true],
  ])('%j: %s', (headers, storable) => {
    expect(responseStorable(headers)).toBe(storable);
  });

  it('finds a directive with an argument, and no part of a word', () => {
    expect(hasDirective('private="set-cookie"', 'private')).toBe(true);
    expect(hasDirective('x-private', 'private')).toBe(false);
  });
});

describe('representation', () => {
  it('reads back what it wrote, on memory of its own', () => {
    const representation = {
      status: 200,
      headers: { link: '</a>; rel="next"' },
      body: Buffer.from('[1,2]'),
      forms: new EncodedForms(),
    };
    const bytes = encodeRepresentation(representation);
    const decoded = decodeRepresentation(bytes);
    expect(decoded).toEqual(representation);
    bytes.fill(0);
    expect(decoded.body.toString()).toBe('[1,2]');
  });

  it.each([
    Buffer.alloc(2),
    Buffer.from([0, 0, 0, 99, 1]),
    Buffer.from('\0\0\0\x02[]'),
    Buffer.from('\0\0\0\x0b[200,{"a":1}]'),
  ])('refuses %p', (bytes) => {
    expect(() => decodeRepresentation(bytes)).toThrow();
  });
});
