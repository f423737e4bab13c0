import type { Case, Origin, Step } from '../case';
import { get, withHeaders, same, differs } from './words';

const by = (names: string): Origin => withHeaders({ vary: names });
const asked = (
  ...all: readonly (readonly [Step['is'], Record<string, string | readonly string[]>, number?])[]
): readonly Step[] => all.map(([is, headers, of]) => get(is, { headers, ...(of === undefined ? {} : { of }) }));
export const vary: readonly Case[] = [
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
