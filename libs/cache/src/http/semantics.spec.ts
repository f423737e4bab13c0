import fc from 'fast-check';
import { cacheGroupInvalidation, cacheGroups, surrogateKey } from './cache-groups';
import { asksForFresh, requestBypass, responseStorable } from './cacheability';
import { isNotModified } from './conditional';
import { chooseCoding } from './content-coding';
import { EncodedForms, isEncodable } from './encoded-forms';
import { encodedTag, entityTag, matchHits, noneMatchHits } from './entity-tag';
import { decodeRepresentation } from './representation';

const TAG = entityTag(Buffer.from('body'));

describe('entity tags (RFC 9110, section 8.8.3)', () => {
  it('are strong, the same for the same bytes, and others for other bytes', () => {
    expect(TAG).toMatch(/^"[\w-]{22}"$/);
    expect(entityTag(Buffer.from('body'))).toBe(TAG);
    expect(entityTag(Buffer.from('bodY'))).not.toBe(TAG);
    expect(new Set(['identity', 'br', 'gzip'].map((coding) => encodedTag(TAG, coding as 'br'))).size).toBe(3);
  });

  it.each<[string, string, boolean]>([
    ['"a"', '"a"', true],
    ['W/"a"', '"a"', true],
    ['"x", W/"a" , "y"', '"a"', true],
    ['*', '"a"', true],
    ['"b"', '"a"', false],
    ['a', '"a"', false],
    ['"a', '"a"', false],
    ['', '"a"', false],
    ['"a\\"', '"a"', false],
    ['"x,a", "y"', '"a"', false],
  ])('If-None-Match: %s against %s: %s', (header, current, hits) => {
    expect(noneMatchHits(header, current)).toBe(hits);
  });

  it.each<[string, boolean]>([
    ['"a"', true],
    ['"b", "a"', true],
    ['"a-br"', true],
    ['"a-gzip"', true],
    ['*', true],
    ['W/"a"', false],
    ['"a-deflate"', false],
    ['"b"', false],
    ['', false],
  ])('If-Match: %s against "a": %s', (header, hits) => {
    expect(matchHits(header, '"a"')).toBe(hits);
  });

  it('takes any text for a header and never more than linear time', () => {
    fc.assert(fc.property(fc.string(), (header) => typeof noneMatchHits(header, TAG) === 'boolean'));
    expect(noneMatchHits('"'.repeat(60_001), TAG)).toBe(false);
    expect(noneMatchHits(`${'"x",'.repeat(15_000)}${TAG}`, TAG)).toBe(true);
  });
});

describe('conditional requests (RFC 9110, section 13.2.2)', () => {
  const lastModified = 'Wed, 21 Oct 2015 07:28:00 GMT';
  it.each<[Record<string, string>, boolean]>([
    [{ 'if-none-match': TAG }, true],
    [{ 'if-none-match': '"other"' }, false],
    [{ 'if-modified-since': lastModified }, true],
    [{ 'if-modified-since': 'Wed, 21 Oct 2015 07:28:01 GMT' }, true],
    [{ 'if-modified-since': 'Wed, 21 Oct 2015 07:27:59 GMT' }, false],
    [{ 'if-modified-since': 'yesterday' }, false],
    [{ 'if-modified-since': '2015-10-21' }, false],
    [{ 'if-none-match': '"other"', 'if-modified-since': lastModified }, false],
    [{}, false],
  ])('%j: %s', (headers, notModified) => {
    expect(isNotModified(headers, { etag: TAG, lastModified })).toBe(notModified);
  });

  it('without a validator nothing is unmodified', () => {
    const none = { etag: undefined, lastModified: undefined };
    expect(isNotModified({ 'if-none-match': '*' }, none)).toBe(false);
    expect(isNotModified({ 'if-modified-since': lastModified }, none)).toBe(false);
  });
});

describe('content codings (RFC 9110, section 12.5.3)', () => {
  it.each([
    [undefined, 'identity'],
    ['', 'identity'],
    ['gzip, deflate, br', 'br'],
    ['gzip', 'gzip'],
    ['x-gzip', 'gzip'],
    ['GZIP', 'gzip'],
    ['br;q=0.5, gzip;q=0.8', 'gzip'],
    ['br;q=0, gzip;q=0', 'identity'],
    ['identity, br;q=0.9', 'identity'],
    ['*', 'br'],
    ['*;q=0', 'identity'],
    ['br;q=0, *', 'gzip'],
    ['deflate', 'identity'],
    ['br;q=x', 'br'],
    ['x'.repeat(5_000), 'identity'],
  ])('%j: %s', (header, coding) => {
    expect(chooseCoding(header)).toBe(coding);
  });

  it('makes each form once for all who wait, and counts its bytes', async () => {
    const forms = new EncodedForms();
    const body = Buffer.from('x'.repeat(4_096));
    const [a, b] = await Promise.all([forms.make('br', body), forms.make('br', body)]);
    expect(a).toBe(b);
    expect(forms.ready('br')).toBe(a);
    expect(forms.ready('gzip')).toBeUndefined();
    await forms.make('gzip', body);
    expect(forms.bytes).toBe(a.length + forms.ready('gzip')!.length);
  });

  it.each([
    ['application/json; charset=utf-8', 1_024, true],
    ['application/problem+json', 1_024, true],
    ['text/html', 1_024, true],
    ['image/png', 5_000, false],
    ['application/json', 1_023, false],
    [undefined, 5_000, false],
  ])('%s of %d bytes: %s', (type, bytes, encodable) => {
    expect(isEncodable(Buffer.alloc(bytes), type)).toBe(encodable);
  });
});

describe('groups (RFC 9875)', () => {
  it('are strings of a structured field', () => {
    expect(cacheGroups(['a', 'b"c\\'])).toBe('"a", "b\\"c\\\\"');
    expect(cacheGroups(['größe', 'a\nb'])).toBeUndefined();
    expect(cacheGroups([])).toBeUndefined();
  });

  it('an invalidation names all groups or none', () => {
    expect(cacheGroupInvalidation(['a', 'b'])).toBe('"a", "b"');
    expect(cacheGroupInvalidation(['a', 'größe'])).toBeUndefined();
    expect(cacheGroupInvalidation(Array.from({ length: 129 }, (_, i) => `t${i}`))).toBeUndefined();
  });

  it('for a CDN that knows surrogate keys, tags with a space are left out', () => {
    expect(surrogateKey(['a', 'b c', 'd'])).toBe('a d');
    expect(surrogateKey([' '])).toBeUndefined();
  });
});

describe('what a request asks of a cache (RFC 9111, section 5.2.1)', () => {
  it.each<[Record<string, string>, boolean]>([
    [{ 'cache-control': 'no-cache' }, true],
    [{ 'cache-control': 'max-age=0' }, true],
    [{ 'cache-control': 'foo, Max-Age = 0, bar' }, true],
    [{ 'cache-control': 'max-age=10' }, false],
    [{ 'cache-control': 's-max-age=0' }, false],
    [{ pragma: 'no-cache' }, true],
    [{ pragma: 'no-cache', 'cache-control': 'max-age=5' }, false],
    [{}, false],
  ])('%j asks for a fresh answer: %s', (headers, fresh) => {
    expect(asksForFresh(headers)).toBe(fresh);
  });

  it('a range is not answered from the cache', () => {
    expect(requestBypass('GET', { range: 'bytes=0-1' }, true)).toBe('range');
  });

  it('an answer that varies by what is not in its key is not kept', () => {
    expect(responseStorable({ vary: 'Accept-Language' })).toBe(false);
    expect(responseStorable({ vary: 'Accept-Language, Accept-Encoding' }, ['accept-language'])).toBe(true);
    expect(responseStorable({ vary: '*' }, ['*'])).toBe(false);
  });
});

describe('an entry that somebody else has written into L2', () => {
  const forged = (status: unknown, headers: unknown): Buffer => {
    const head = Buffer.from(JSON.stringify([status, headers]), 'utf8');
    const length = Buffer.alloc(4);
    length.writeUInt32BE(head.length);
    return Buffer.concat([length, head, Buffer.from('{}')]);
  };

  it.each<[unknown, unknown]>([
    [42, {}],
    [99_999, {}],
    [101, {}],
    [204, {}],
    [301, { location: 'https://evil.example' }],
    [200, { 'x-a': 'b\r\nset-cookie: a=b' }],
    [200, { 'x a': 'b' }],
    [200, { 'X-Upper': 'b' }],
    [200, { 'set-cookie': 'a=b' }],
    [200, { 'transfer-encoding': 'chunked' }],
    [200, { 'content-length': '3' }],
    [200, { etag: 3 }],
    [200, null],
  ])('with status %j and headers %j is unreadable', (status, headers) => {
    expect(() => decodeRepresentation(forged(status, headers))).toThrow();
  });

  it('is read when it could be ours', () => {
    const { status, headers, body } = decodeRepresentation(forged(404, { etag: '"x"' }));
    expect([status, headers, body.toString()]).toEqual([404, { etag: '"x"' }, '{}']);
  });
});
