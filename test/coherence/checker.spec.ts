import { check, type Operation } from './checker';

const write = (version: number, start: number, end: number): Operation => ({
  kind: 'write',
  key: 'k',
  version,
  start,
  end,
  instance: 0,
});
const read = (version: number, start: number, end: number, instance = 1): Operation => ({
  kind: 'read',
  key: 'k',
  version,
  start,
  end,
  instance,
});

describe('history checker', () => {
  it.each<[string, Operation[]]>([
    ['reads of the newest finished write', [write(1, 0, 1), read(1, 2, 3), write(2, 4, 5), read(2, 6, 7)]],
    ['a read beside a write may see either', [write(1, 0, 1), write(2, 2, 6), read(1, 3, 4), read(2, 3, 4)]],
    ['a read that began before the write ended', [write(1, 0, 1), write(2, 2, 6), read(1, 5, 9)]],
    ['nothing was written', [read(0, 1, 2)]],
    [
      'an old value after a write that its process could not deliver, elsewhere',
      [{ ...write(2, 0, 1), deferred: true }, read(1, 2, 3, 1)],
    ],
  ])('accepts: %s', (_what, history) => {
    expect(check(history)).toEqual([]);
  });

  it.each<[string, Operation[], string]>([
    ['an old value after the write has returned', [write(1, 0, 1), write(2, 2, 3), read(1, 4, 5)], 'C1'],
    ['an old value on one instance only', [write(2, 2, 3), read(2, 4, 5, 1), read(1, 4, 5, 2)], 'C1'],
    [
      'going back after a newer one was seen and finished',
      [write(1, 0, 1), write(2, 2, 3), read(2, 4, 5), read(1, 6, 7)],
      'C1',
    ],
    [
      'less than its own process has written and not delivered',
      [{ ...write(2, 0, 1), deferred: true }, read(1, 2, 3, 0)],
      'C5',
    ],
    ['a value nobody has written', [write(1, 0, 1), read(7, 2, 3)], 'future'],
    ['a value whose write begins later', [write(1, 0, 1), read(2, 2, 3), write(2, 4, 5)], 'future'],
  ])('refuses: %s', (_what, history, reason) => {
    expect(check(history).map((violation) => violation.rule)).toEqual([reason]);
  });

  it('judges each key by its own writes', () => {
    expect(check([write(5, 0, 1), { ...read(0, 2, 3), key: 'other' }])).toEqual([]);
  });

  it('judges a million operations without sorting itself out of breath', () => {
    const history: Operation[] = [];
    for (let i = 1; i <= 250_000; i++)
      history.push(write(i, 4 * i, 4 * i + 1), read(i, 4 * i + 2, 4 * i + 3), read(i, 4 * i + 2, 4 * i + 3, 2));
    history.push(read(1, 2_000_000, 2_000_001));
    expect(check(history)).toHaveLength(1);
  });
});
