import type { Entry } from '../core/entry';
import { EncodedForms } from '../http/encoded-forms';
import type { Representation } from '../http/representation';
import type { Described } from './http-load';
import { fastifyHead, HIT_ONCE, PreparedAnswers, preparedFor } from './prepared-answers';

type Operation = Described['operation'];

const operation = (name: string): Operation => ({ where: name }) as Operation;
const value: Representation = { status: 200, headers: {}, body: Buffer.from('{}'), forms: new EncodedForms() };
const ENTRY = { value, createdAt: 1_000, freshUntil: 61_000, furtherTags: ['t:a'] } as unknown as Entry<Representation>;
const like = (other: Partial<Entry<Representation>>): Entry<Representation> => ({ ...ENTRY, ...other }) as never;

describe('PreparedAnswers', () => {
  it('are those of an entry, not of another one that has got its value', () => {
    const answers = new PreparedAnswers(operation('a'), ENTRY, fastifyHead);
    expect(answers.isOf(like({}))).toBe(true);
    for (const other of [{ createdAt: 1_001 }, { freshUntil: 61_001 }, { furtherTags: ['t:a'] }])
      expect([other, answers.isOf(like(other))]).toEqual([other, false]);
  });

  it('are kept for the route that has asked first, until its value is in another entry', () => {
    const of = (name: Operation, entry = ENTRY): PreparedAnswers | undefined =>
      preparedFor(name, entry, fastifyHead, 0);
    const [a, b] = [operation('a'), operation('b')];
    value.forms.prepared = HIT_ONCE;
    const first = of(a);
    expect(first).toBeInstanceOf(PreparedAnswers);
    expect([of(a) === first, of(b)]).toEqual([true, undefined]);
    const second = of(b, like({ createdAt: 2_000 }));
    expect(second).toBeInstanceOf(PreparedAnswers);
    expect([second === first, of(a, like({ createdAt: 2_000 }))]).toEqual([false, undefined]);
  });
});
