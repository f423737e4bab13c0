import type { Case, Origin, Step } from './case';

const LM = 'Wed, 21 Oct 2015 07:28:00 GMT';
const LATER = 'Wed, 21 Oct 2015 07:44:40 GMT';
const TAG = '"abcdef"';

const get = (is: Step['is'], more: Omit<Step, 'is'> = {}): Step => ({ is, ...more });
const twice: readonly Step[] = [get('load'), get('hit')];
const never: readonly Step[] = [get('pass'), get('pass')];
const withHeaders = (headers: Record<string, string>): Origin => ({ headers });
const same = (id: string, kind: Case['kind'], route: Case['route'], steps: readonly Step[], origin?: Case['origin']) =>
  ({ id, kind, route, steps, ...(origin === undefined ? {} : { origin }) }) satisfies Case;
const differs = (
  id: string,
  kind: Case['kind'],
  why: string,
  route: Case['route'],
  steps: readonly Step[],
  origin?: Case['origin'],
) => ({ ...same(id, kind, route, steps, origin), differs: why }) satisfies Case;

const freshness: readonly Case[] = [
  same('freshness-max-age', 'optimal', 'fresh', twice),
  same('freshness-max-age-stale', 'required', 'short', [get('load'), get('load', { after: 3_000, of: 2 })]),
  same('freshness-max-age-0', 'required', 'zero', never),
  same('freshness-max-age-max-plus', 'optimal', 'huge', twice),
  same('freshness-max-age-expires', 'optimal', 'fresh', twice, withHeaders({ expires: LM })),
  differs(
    'freshness-max-age-0-expires',
    'required',
    'headers of the answer speak to caches downstream; the route gives the ttl',
    'fresh',
    twice,
    withHeaders({ 'cache-control': 'max-age=0' }),
  ),
  differs('freshness-none', 'check', 'the decorator is the freshness information', 'fresh', twice),
  differs(
    'freshness-expires-past',
    'required',
    'Expires of the answer speaks to caches downstream',
    'fresh',
    twice,
    withHeaders({ expires: LM }),
  ),
];

const responseDirectives: readonly Case[] = [
  ...(
    [
      ['cc-resp-private-shared', 'private, max-age=3600'],
      ['cc-resp-no-store', 'no-store'],
      ['cc-resp-no-store-case-insensitive', 'No-StOrE'],
      ['cc-resp-no-store-fresh', 'max-age=10000, no-store'],
    ] as const
  ).map(([id, control]) => same(id, 'required', 'fresh', never, withHeaders({ 'cache-control': control }))),
  ...(
    [
      ['cc-resp-no-store-old-new', 'no-store'],
      ['cc-resp-no-store-old-max-age', 'no-store, max-age=0'],
    ] as const
  ).map(([id, control]) =>
    same(
      id,
      'required',
      'fresh',
      [get('load'), get('pass', { headers: { 'cache-control': 'no-store' }, of: 2 }), get('hit', { of: 1 })],
      (n) => (n === 1 ? {} : withHeaders({ 'cache-control': control })),
    ),
  ),
  differs(
    'cc-resp-no-cache',
    'required',
    'no-cache is for caches downstream; this one is kept right by tags and leases',
    'fresh',
    twice,
    withHeaders({ 'cache-control': 'no-cache' }),
  ),
  differs(
    'status-200-must-understand',
    'optimal',
    'no-store always means not stored',
    'fresh',
    never,
    withHeaders({ 'cache-control': 'no-store, must-understand' }),
  ),
];

const privileged = { 'x-admin': 'yes' };
const requestDirectives: readonly Case[] = [
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

const authorization: readonly Case[] = [
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
const conditional = (headers: Record<string, string>, status: number): readonly Step[] => [
  get('load'),
  get('hit', { headers, status, ...(status === 304 ? {} : { of: 1 }) }),
];
const tagged = withHeaders({ etag: TAG, 'last-modified': LM, 'content-location': '/x' });
const validators: readonly Case[] = [
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

const by = (names: string): Origin => withHeaders({ vary: names });
const asked = (
  ...all: readonly (readonly [Step['is'], Record<string, string | readonly string[]>, number?])[]
): readonly Step[] => all.map(([is, headers, of]) => get(is, { headers, ...(of === undefined ? {} : { of }) }));
const vary: readonly Case[] = [
  same('vary-match', 'optimal', 'foo', asked(['load', { foo: '1' }], ['hit', { foo: '1' }]), by('Foo')),
  same('vary-no-match', 'required', 'foo', asked(['load', { foo: '1' }], ['load', { foo: '2' }, 2]), by('Foo')),
  same('vary-omit-stored', 'required', 'foo', asked(['load', {}], ['load', { foo: '1' }, 2]), by('Foo')),
  same('vary-omit', 'required', 'foo', asked(['load', { foo: '1' }], ['load', {}, 2]), by('Foo')),
  same(
    'vary-invalidate',
    'optimal',
    'foo',
    asked(['load', { foo: '1' }], ['load', { foo: '2' }, 2], ['hit', { foo: '1' }, 1]),
    by('Foo'),
  ),
  same(
    'vary-cache-key',
    'optimal',
    'foo',
    asked(['load', { foo: '1', other: '2' }], ['hit', { foo: '1', other: '3' }]),
    by('Foo'),
  ),
  same(
    'vary-2-match',
    'optimal',
    'foobar',
    asked(['load', { foo: '1', bar: 'a' }], ['hit', { foo: '1', bar: 'a' }]),
    by('Foo, Bar'),
  ),
  same(
    'vary-2-no-match',
    'required',
    'foobar',
    asked(['load', { foo: '1', bar: 'a' }], ['load', { foo: '2', bar: 'a' }, 2]),
    by('Foo, Bar'),
  ),
  same(
    'vary-2-match-omit',
    'required',
    'foobar',
    asked(['load', { foo: '1', bar: 'a' }], ['load', {}, 2]),
    by('Foo, Bar'),
  ),
  same(
    'vary-3-match',
    'optimal',
    'foobarbaz',
    asked(['load', { foo: '1', bar: 'a', baz: 'x' }], ['hit', { baz: 'x', foo: '1', bar: 'a' }]),
    by('Foo, Bar, Baz'),
  ),
  same(
    'vary-3-no-match',
    'required',
    'foobarbaz',
    asked(['load', { foo: '1', bar: 'a', baz: 'x' }], ['load', { foo: '1', bar: 'a', baz: 'y' }, 2]),
    by('Foo, Bar, Baz'),
  ),
  same(
    'vary-3-omit',
    'optimal',
    'foobarbaz',
    asked(['load', { foo: '1', baz: 'x' }], ['hit', { foo: '1', baz: 'x' }]),
    by('Foo, Bar, Baz'),
  ),
  ...(
    [
      ['vary-star', '*'],
      ['vary-syntax-star', '*'],
      ['vary-syntax-star-star', '*, *'],
      ['vary-syntax-empty-star', ', *'],
      ['vary-syntax-star-foo', '*, Foo'],
      ['vary-syntax-foo-star', 'Foo, *'],
    ] as const
  ).map(([id, names]) => same(id, 'required', 'foo', asked(['pass', { foo: '1' }], ['pass', { foo: '1' }]), by(names))),
  same('vary-syntax-star-star-lines', 'required', 'foo', asked(['pass', { foo: '1' }], ['pass', { foo: '1' }]), {
    onResponse: { vary: ['*', '*'] },
  }),
  same(
    'vary-normalise-combine',
    'optimal',
    'foo',
    asked(['load', { foo: '1, 2' }], ['hit', { foo: ['1', '2'] }]),
    by('Foo'),
  ),
  ...(
    [
      ['vary-normalise-lang-order', 'fr, en'],
      ['vary-normalise-lang-case', 'EN, fr'],
      ['vary-normalise-lang-space', 'en,  fr'],
    ] as const
  ).map(([id, other]) =>
    differs(
      id,
      'optimal',
      'the raw text is the key; a route that wants more normalises in its key: it costs hits, never a wrong answer',
      'language',
      asked(['load', { 'accept-language': 'en, fr' }], ['load', { 'accept-language': other }, 2]),
      by('Accept-Language'),
    ),
  ),
];

const failing = (status: number): Origin => ({ throws: status });
const statuses: readonly Case[] = [
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
const headers: readonly Case[] = [
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

const others: readonly Case[] = [
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
export const CASES: readonly Case[] = [
  ...freshness,
  ...responseDirectives,
  ...requestDirectives,
  ...authorization,
  ...validators,
  ...vary,
  ...statuses,
  ...headers,
  ...others,
];
