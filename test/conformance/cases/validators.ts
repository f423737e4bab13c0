import type { Case, Step } from '../case';
import { LM, LATER, TAG, get, withHeaders, same, differs } from './words';

const conditional = (headers: Record<string, string>, status: number): readonly Step[] => [
  get('load'),
  get('hit', { headers, status, ...(status === 304 ? {} : { of: 1 }) }),
];
const tagged = withHeaders({ etag: TAG, 'last-modified': LM, 'content-location': '/x' });
export const validators: readonly Case[] = [
  same('conditional-etag-strong-respond', 'optimal', 'fresh', conditional({ 'if-none-match': TAG }, 304), tagged),
  same(
    'conditional-304-etag',
    'required',
    'fresh',
    [
      get('load'),
      get('hit', {
        headers: { 'if-none-match': TAG },
        status: 304,
        has: { etag: TAG, 'cache-control': 'no-cache', 'content-location': '/x', 'content-type': undefined },
      }),
    ],
    tagged,
  ),
  same(
    'conditional-etag-precedence',
    'required',
    'fresh',
    [
      get('load'),
      get('hit', {
        headers: { 'if-none-match': TAG, 'if-modified-since': 'Tue, 20 Oct 2015 07:28:00 GMT' },
        status: 304,
      }),
      get('hit', { headers: { 'if-none-match': '"other"', 'if-modified-since': LM }, of: 1 }),
    ],
    tagged,
  ),
  same(
    'conditional-etag-weak-respond',
    'optimal',
    'fresh',
    conditional({ 'if-none-match': 'W/"abcdef"' }, 304),
    withHeaders({ etag: 'W/"abcdef"' }),
  ),
  ...['first', 'second', 'last'].map((place, i) => {
    const list = ['"1234"', '"5678"'];
    list.splice(i, 0, TAG);
    const id = `conditional-etag-strong-respond-multiple-${place}`;
    return same(id, 'optimal', 'fresh', conditional({ 'if-none-match': list.join(', ') }, 304), tagged);
  }),
  ...(
    [
      ['conditional-etag-quoted-respond-unquoted', 'abcdef'],
      ['conditional-etag-weak-respond-lowercase', 'w/"abcdef"'],
      ['conditional-etag-weak-respond-omit-slash', 'W"abcdef"'],
    ] as const
  ).map(([id, tag]) =>
    differs(
      id,
      'check',
      'what is no entity tag matches nothing',
      'fresh',
      conditional({ 'if-none-match': tag }, 200),
      tagged,
    ),
  ),
  ...(
    [
      ['conditional-lm-fresh', LM],
      ['conditional-lm-fresh-earlier', LATER],
      ['conditional-lm-fresh-rfc850', 'Wednesday, 21-Oct-15 07:28:00 GMT'],
    ] as const
  ).map(([id, date]) =>
    same(id, 'optimal', 'fresh', conditional({ 'if-modified-since': date }, 304), withHeaders({ 'last-modified': LM })),
  ),
  same(
    'conditional-lm-stale',
    'optimal',
    'short',
    [get('load'), get('load', { after: 3_000, headers: { 'if-modified-since': LM }, status: 304 })],
    withHeaders({ 'last-modified': LM }),
  ),
  differs(
    'conditional-lm-fresh-no-lm',
    'optimal',
    'without a date of modification If-Modified-Since is ignored (RFC 9110, section 13.1.3)',
    'fresh',
    conditional({ 'if-modified-since': LATER }, 200),
  ),
];
