import type { Case } from '../case';
import { LM, get, twice, never, withHeaders, same, differs } from './words';

export const freshness: readonly Case[] = [
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

export const responseDirectives: readonly Case[] = [
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
