import type { Case } from '../case';
import { get, twice, withHeaders, same, differs } from './words';

const privileged = { 'x-admin': 'yes' };
export const requestDirectives: readonly Case[] = [
  ...(
    [
      ['ccreq-ma0', 'max-age=0'],
      ['ccreq-no-cache', 'no-cache'],
    ] as const
  ).map(([id, control]) =>
    same(id, 'check', 'fresh', [
      get('load'),
      get('hit', { headers: { 'cache-control': control } }),
      get('load', { headers: { 'cache-control': control, ...privileged }, of: 2 }),
      get('hit', { of: 2 }),
    ]),
  ),
  same('ccreq-no-store', 'check', 'fresh', [
    get('pass', { headers: { 'cache-control': 'no-store' } }),
    get('load', { of: 2 }),
    get('pass', { headers: { 'cache-control': 'no-store' }, of: 3 }),
  ]),
  same('ccreq-oic', 'check', 'fresh', [
    get('none', { headers: { 'cache-control': 'only-if-cached' }, status: 504 }),
    get('load', { of: 1 }),
    get('hit', { headers: { 'cache-control': 'only-if-cached' } }),
  ]),
  same('pragma-request-no-cache', 'check', 'fresh', [get('load'), get('hit', { headers: { pragma: 'no-cache' } })]),
  same('pragma-request-extension', 'check', 'fresh', [get('load'), get('hit', { headers: { pragma: 'x' } })]),
  same('pragma-response-no-cache', 'check', 'fresh', twice, withHeaders({ pragma: 'no-cache' })),
  ...(
    [
      ['ccreq-ma1', 'max-age=1'],
      ['ccreq-min-fresh', 'min-fresh=99999'],
    ] as const
  ).map(([id, control]) =>
    differs(id, 'check', 'else everybody could force loads', 'fresh', [
      get('load'),
      get('hit', { after: 1_500, headers: { 'cache-control': control } }),
    ]),
  ),
  differs('ccreq-max-stale', 'check', 'what may be stale is the promise of the route, not a wish', 'short', [
    get('load'),
    get('load', { after: 3_000, headers: { 'cache-control': 'max-stale=1000' }, of: 2 }),
  ]),
];

export const authorization: readonly Case[] = [
  same('other-authorization', 'required', 'undeclared', [
    get('pass', { headers: { authorization: 'FOO' }, has: { 'cache-control': 'private, no-cache' } }),
    get('load', { of: 2 }),
    get('pass', { headers: { authorization: 'FOO' }, of: 3 }),
  ]),
  same('other-authorization-public', 'optimal', 'fresh', [
    get('load', { headers: { authorization: 'FOO' } }),
    get('hit'),
  ]),
  ...(['must-revalidate', 's-maxage=3600'] as const).map((control) =>
    differs(
      control === 's-maxage=3600' ? 'other-authorization-smaxage' : 'other-authorization-must-revalidate',
      'optimal',
      'only the scope of the route opens the cache to identified senders',
      'undeclared',
      [get('pass', { headers: { authorization: 'FOO' } }), get('load', { of: 2 })],
      withHeaders({ 'cache-control': control }),
    ),
  ),
];

/** 200 first, then a request with `headers`. */
