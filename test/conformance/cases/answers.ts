import type { Case, Origin } from '../case';
import { LM, LATER, get, twice, never, withHeaders, same, differs } from './words';

const failing = (status: number): Origin => ({ throws: status });
export const statuses: readonly Case[] = [
  same('status-200-fresh', 'optimal', 'fresh', twice),
  same('status-200-stale', 'required', 'short', [get('load'), get('load', { after: 3_000, of: 2 })]),
  ...[400, 404, 410, 499, 500, 503, 599].flatMap((status) => [
    same(
      `status-${status}-fresh`,
      'optimal',
      'negative',
      [get('load', { status }), get('hit', { status })],
      failing(status),
    ),
    same(
      `status-${status}-stale`,
      'required',
      'negative',
      [get('load', { status }), get('load', { status, after: 3_000 })],
      failing(status),
    ),
  ]),
  same(
    'status-599-must-understand',
    'required',
    'negative',
    [get('pass', { status: 599 }), get('pass', { status: 599 })],
    { throws: 599, onResponse: { 'cache-control': 'no-store, must-understand' } },
  ),
  ...[201, 202].map((status) =>
    same(`heuristic-${status}-not_cached`, 'required', 'fresh', [get('pass', { status }), get('pass', { status })], {
      status,
    }),
  ),
  ...[403, 503].map((status) =>
    same(
      `heuristic-${status}-not_cached`,
      'required',
      'fresh',
      [get('pass', { status }), get('pass', { status })],
      failing(status),
    ),
  ),
  ...[203, 299].map((status) =>
    differs(
      `status-${status}-fresh`,
      'optimal',
      'only 200 is kept, and the errors that the route names',
      'fresh',
      [get('pass', { status }), get('pass', { status })],
      { status },
    ),
  ),
  ...[404, 410, 501].map((status) =>
    differs(
      `heuristic-${status}-cached`,
      'optimal',
      'there are no heuristics: an error is kept where the route names it',
      'fresh',
      [get('pass', { status }), get('pass', { status })],
      failing(status),
    ),
  ),
];

const kept = (id: string, headers: Record<string, string>): Case =>
  same(id, 'required', 'fresh', [get('load', { has: headers }), get('hit', { has: headers })], withHeaders(headers));
const dropped = (id: string, name: string, value: string): Case =>
  same(
    id,
    'required',
    'fresh',
    [get('load'), get('hit', { has: { [name]: undefined } })],
    withHeaders({ [name]: value }),
  );
export const headers: readonly Case[] = [
  kept('headers-store-Cache-Control', { 'cache-control': 'max-age=3600' }),
  kept('headers-store-Content-Type', { 'content-type': 'text/plain; charset=utf-8' }),
  kept('headers-store-ETag', { etag: '"ghijkl"' }),
  kept('headers-store-Expires', { expires: LATER }),
  kept('headers-store-Test-Header', { 'test-header': 'abc' }),
  kept('headers-store-X-Test-Header', { 'x-test-header': 'abc' }),
  kept('headers-store-Content-Foo', { 'content-foo': 'abc' }),
  kept('headers-store-Content-Location', { 'content-location': '/abc' }),
  kept('headers-store-Content-Security-Policy', { 'content-security-policy': "default-src 'self'" }),
  kept('headers-store-Clear-Site-Data', { 'clear-site-data': 'cookies' }),
  kept('headers-store-X-Frame-Options', { 'x-frame-options': 'deny' }),
  kept('headers-store-X-XSS-Protection', { 'x-xss-protection': '1' }),
  dropped('headers-store-Proxy-Authenticate', 'proxy-authenticate', 'Basic'),
  dropped('headers-store-Proxy-Authentication-Info', 'proxy-authentication-info', 'x'),
  dropped('headers-store-Proxy-Authorization', 'proxy-authorization', 'x'),
  dropped('headers-store-Proxy-Connection', 'proxy-connection', 'x'),
  dropped('headers-store-TE', 'te', 'trailers'),
  dropped('headers-store-Upgrade', 'upgrade', 'x'),
  dropped('headers-store-Transfer-Encoding', 'transfer-encoding', 'x'),
  differs(
    'headers-store-Set-Cookie',
    'required',
    'an answer with a cookie was made for one sender and is not kept at all',
    'fresh',
    never,
    withHeaders({ 'set-cookie': 'a=b' }),
  ),
  differs(
    'headers-store-Content-Length',
    'required',
    'it is always computed from the bytes that are sent',
    'fresh',
    [get('load'), get('hit', { has: { 'content-length': '7' } })],
    withHeaders({ 'content-length': '3' }),
  ),
];

export const others: readonly Case[] = [
  same('other-age-gen', 'required', 'fresh', [
    get('load', { has: { age: undefined } }),
    get('hit', { after: 3_000, has: { age: '3' } }),
  ]),
  same(
    'other-age-update-max-age',
    'required',
    'fresh',
    [get('load'), get('hit', { after: 3_000, has: { age: '3' } })],
    withHeaders({ age: '30', 'cache-control': 'max-age=600' }),
  ),
  differs(
    'other-date-update',
    'required',
    'every answer is a message of this origin server: Age says how old its content is',
    'fresh',
    [get('load'), get('hit', { has: { date: /GMT$/ } })],
    withHeaders({ date: LM }),
  ),
  same('method-POST', 'optimal', 'fresh', [get('load'), get('pass', { method: 'POST', of: 2 }), get('hit')]),
  ...(['POST', 'PUT', 'DELETE'] as const).flatMap((method) => [
    same(`invalidate-${method}`, 'required', 'tagged', [
      get('load'),
      get('none', { method, status: method === 'POST' ? 201 : 200 }),
      get('load', { of: 2 }),
    ]),
    same(`invalidate-${method}-failed`, 'required', 'tagged', [
      get('load'),
      get('none', { method, headers: { 'x-fail': 'yes' }, status: 500 }),
      get('hit', { of: 1 }),
    ]),
  ]),
  same('head-writethrough', 'required', 'fresh', [get('load', { method: 'HEAD' }), get('hit', { of: 1 })]),
  same('stale-while-revalidate', 'optimal', 'swr', [
    get('load'),
    get('none', { after: 3_000, of: 1, has: { 'cache-status': /hit.*stale-revalidate/ } }),
    get('hit', { of: 2 }),
  ]),
  same('stale-while-revalidate-window', 'required', 'swr', [get('load'), get('load', { after: 9_000, of: 2 })]),
  same(
    'stale-sie-503',
    'check',
    'sie',
    [get('load'), get('none', { after: 3_000, of: 1, has: { 'cache-status': /hit.*stale-error/ } })],
    (n) => (n === 1 ? {} : { throws: 503 }),
  ),
  ...(['stale-503', 'stale-close'] as const).map((id) =>
    differs(
      id,
      'check',
      'stale is served where the route says so, and not else',
      'short',
      [get('load'), get('none', { after: 3_000, status: 503 })],
      (n) => (n === 1 ? {} : { throws: 503 }),
    ),
  ),
  same(
    'stale-close-must-revalidate',
    'required',
    'strict',
    [get('load'), get('none', { after: 3_000, status: 503 })],
    (n) => (n === 1 ? {} : { throws: 503 }),
  ),
  same('cdn-remove-header', 'check', 'cdn', [
    get('load', { has: { 'cdn-cache-control': 'max-age=60' } }),
    get('hit', { has: { 'cdn-cache-control': 'max-age=60' } }),
  ]),
  differs('partial-store-complete-reuse-partial', 'optimal', 'a range goes past the cache', 'fresh', [
    get('load'),
    get('pass', { headers: { range: 'bytes=0-1' }, of: 2 }),
  ]),
];

/** In the order of the public suite. */
