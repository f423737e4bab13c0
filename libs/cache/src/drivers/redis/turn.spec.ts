import { Gate, settle } from '../../testing';
import { Turn, type TurnBounds } from './turn';

describe('Turn', () => {
  const sent: number[][] = [];
  let answers: Gate[] = [];

  beforeEach(() => {
    sent.length = 0;
    answers = [];
  });

  function turn(bounds: Partial<TurnBounds<number>>): Turn<number, number> {
    const send = async (items: readonly number[]): Promise<(number | Error)[]> => {
      sent.push([...items]);
      const answer = new Gate();
      answers.push(answer);
      await answer.pass();
      return items.map((item) => (item < 0 ? new Error(`no ${item}`) : item * 10));
    };
    return new Turn(send, { items: 4, size: 100, sizeOf: () => 1, ...bounds });
  }
  const askFor = (one: Turn<number, number>, count: number): Promise<number>[] =>
    Array.from({ length: count }, (_, i) => one.ask(i + 1));

  it('sends what one turn asks for as one command, and more than fits as several', async () => {
    const one = turn({});
    const asked = [...askFor(one, 2), ...askFor(one, 3)];
    await settle();
    expect(sent).toEqual([[1, 2, 1, 2], [3]]);
    for (const answer of answers) answer.release();
    expect(await Promise.all(asked)).toEqual([10, 20, 10, 20, 30]);
  });

  it('an item that fails fails alone', async () => {
    const one = turn({});
    const asked = [one.ask(1), one.ask(-2), one.ask(3)];
    await settle();
    answers[0]!.release();
    expect(await Promise.allSettled(asked)).toMatchObject([
      { value: 10 },
      { reason: { message: 'no -2' } },
      { value: 30 },
    ]);
  });

  it('makes two commands of what could be one, as long as there is not enough for two large ones', async () => {
    const one = turn({ items: 4, fewest: 2 });
    const asked = askFor(one, 4);
    await settle();
    expect(sent).toEqual([
      [1, 2],
      [3, 4],
    ]);
    asked.push(...askFor(one, 6));
    await settle();
    // Ten are under way in the end: four of them in one command leave six to work on.
    expect(sent.slice(2)).toEqual([
      [1, 2, 3, 4],
      [5, 6],
    ]);
    for (const answer of answers) answer.release();
    await Promise.all(asked);
    sent.length = 0;
    void askFor(one, 3);
    await settle();
    expect(sent).toEqual([[1, 2], [3]]);
  });

  it('has no more items in a command than its bound, however many are under way', async () => {
    const one = turn({ items: 4, fewest: 2 });
    const asked = askFor(one, 30);
    await settle();
    expect(Math.max(...sent.map(({ length }) => length))).toBe(4);
    expect(sent.flat()).toHaveLength(30);
    for (const answer of answers) answer.release();
    expect(await Promise.all(asked)).toHaveLength(30);
  });

  it('forgets what was under way when a command fails', async () => {
    const failing = new Turn<number, number>(
      async (items) => {
        sent.push([...items]);
        await Promise.resolve();
        throw new Error('away');
      },
      { items: 4, fewest: 2, size: 100, sizeOf: () => 1 },
    );
    for (let round = 0; round < 3; round++) {
      const failed = await Promise.allSettled(askFor(failing, 4));
      expect(failed.every(({ status }) => status === 'rejected')).toBe(true);
    }
    expect(sent).toEqual(
      [1, 1, 1].flatMap(() => [
        [1, 2],
        [3, 4],
      ]),
    );
  });
});
