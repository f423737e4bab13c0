import { Entry, type DecodedEntry } from './entry';
import { protocolTags } from './keys';

const decoded = (tags: readonly string[], createdAt: number): DecodedEntry<string> => ({
  value: 'v',
  born: { epoch: '0123456789abcdef', seq: 7 },
  tags,
  validator: '',
  negative: false,
  bytes: 3,
  createdAt,
  freshUntil: createdAt + 1_000,
  revalidateUntil: createdAt + 3_000,
  errorUntil: createdAt + 2_000,
});

const FACTS = { proven: 7, generation: 1 };

function entryWith(tags: readonly string[], place: { cache: string; key: string }, createdAt = Date.now()): Entry {
  return new Entry(decoded(tags, createdAt), tags, FACTS, place);
}

describe('Entry', () => {
  it('keeps its validator through failed refreshes, and in a copy with its promise', () => {
    const place = { cache: 'c', key: 'a' };
    const tags = protocolTags('c', 'a', []);
    const entry = new Entry({ ...decoded(tags, Date.now()), validator: 'v1' }, tags, FACTS, place);
    entry.postponeRefresh(Date.now());
    expect([entry.validator, entry.retryAfter > 0]).toEqual(['v1', true]);
    const promise = entry.promised();
    const copy = entry.copy();
    expect([copy.validator, copy.promised() === promise, entryWith(tags, place).validator]).toEqual(['v1', true, '']);
  });

  const places = [
    { cache: 'c', key: 'a' },
    { cache: 'products', key: 'with:colons:' },
    { cache: 'c', key: 'ü€😀' },
    { cache: 'c', key: 'x'.repeat(200) },
    // The tag of a long key is a digest.
    { cache: 'c', key: 'x'.repeat(201) },
  ];

  it.each(places)('has the tags that it was made with: $cache, $key', (place) => {
    for (const declared of [[], ['t:a'], ['t:a', 't:b']]) {
      const tags = protocolTags(place.cache, place.key, declared);
      const entry = entryWith(tags, place);
      expect(entry.tags).toEqual(tags);
      expect(entry.copy()).toEqual(entry);
      // Who keeps something for an entry knows it by these.
      expect(entry.copy().furtherTags).toBe(entry.furtherTags);
      expect(entry.carries(declared)).toBe(true);
      expect(entry.carries([...declared, 't:other'])).toBe(false);
    }
  });

  it('keeps no tag that follows from its place, and every one that does not', () => {
    const place = { cache: 'ab', key: 'k' };
    const own = protocolTags('ab', 'k', ['t:x']);
    expect(entryWith(own, place).furtherTags).toEqual(['t:x']);
    const others = [
      protocolTags('ab', 'other', []),
      protocolTags('a', 'b:k', []),
      protocolTags('other', 'k', []),
      [...own].reverse(),
      ['t:x', '*', '*:ab'],
      own.slice(0, 2),
      [],
    ];
    for (const tags of others) {
      const entry = entryWith(tags, place);
      expect(entry.furtherTags).toEqual(tags);
      expect(entry.tags).toEqual(tags);
    }
  });

  it('shares its terms with those of its cache and kind, and with no other', () => {
    const terms = (entry: Entry): unknown => (entry as unknown as { terms: unknown }).terms;
    const made = (cache: string, key: string, further: Partial<DecodedEntry>, generation = 1): Entry => {
      const tags = protocolTags(cache, key, []);
      const from = { ...decoded(tags, 0), ...further };
      return new Entry(from, tags, { proven: 7, generation }, { cache, key });
    };
    const kinds = [
      ['a', 'k', {}, 1],
      ['b', 'k', {}, 1],
      ['a', 'x'.repeat(201), {}, 1],
      ['b', 'x'.repeat(201), {}, 1],
      ['a', 'k', { negative: true }, 1],
      ['b', 'k', { revalidateUntil: 5_000 }, 2],
    ] as const;
    // In turn, as they would come.
    const [first, second] = [1, 2].map(() =>
      kinds.map(([cache, key, further, generation]) => made(cache, key, further, generation)),
    );
    for (const [i, [cache, key, further, generation]] of kinds.entries()) {
      const entry = second![i]!;
      expect(entry.tags).toEqual(protocolTags(cache, key, []));
      expect([entry.generation, entry.negative]).toEqual([generation, 'negative' in further]);
      expect(entry.revalidateUntil).toBe('revalidateUntil' in further ? 5_000 : 3_000);
      expect(terms(entry.copy())).toBe(terms(entry));
      if (cache === 'a') expect(terms(entry)).toBe(terms(first![i]!));
    }
    expect(new Set(second!.map(terms)).size).toBe(kinds.length);
  });

  it('keeps its times whatever the clock says', () => {
    for (const now of [0, 5, Date.now(), Date.now() - 1e10, Date.now() + 1e12]) {
      const entry = entryWith([], { cache: 'c', key: 'k' }, now);
      const { createdAt, freshUntil, revalidateUntil, errorUntil } = entry;
      expect([createdAt, freshUntil, revalidateUntil, errorUntil]).toEqual([
        now,
        now + 1_000,
        now + 3_000,
        now + 2_000,
      ]);
      expect([entry.isFreshAt(now), entry.isFreshAt(now + 999), entry.isFreshAt(now + 1_000)]).toEqual([
        true,
        true,
        false,
      ]);
    }
  });
});
