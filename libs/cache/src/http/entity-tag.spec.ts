import { matchHits, noneMatchHits } from './entity-tag';

describe('entity tags of a request', () => {
  it.each([matchHits, noneMatchHits])('%p finds a member of a list, whatever stands around it', (hits) => {
    for (const list of ['"b"', '"a", "b"', ' ,"a" ,, "b",\t ', '*'])
      expect([list, hits(list, '"b"')]).toEqual([list, true]);
    for (const list of ['', 'b', '"a"', '"a" "b"', '"a", b', '"a"b, "b"'])
      expect([list, hits(list, '"b"')]).toEqual([list, false]);
  });

  // Ten million steps in one pass; in a pass for each of its commas it would run for days.
  it.each([matchHits, noneMatchHits])('%p takes steps in proportion to its text', (hits) => {
    const much = 1 << 20;
    for (const part of [',', ' ', '\t', '"', 'W/', '"",']) {
      expect(hits(`${part.repeat(much)}x`, '"b"')).toBe(false);
      expect(hits(`"b"${','.repeat(much)}`, '"b"')).toBe(true);
    }
  });
});
