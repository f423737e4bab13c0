import { setImmediate as turn } from 'node:timers/promises';
import { EndOfTurn } from './end-of-turn';

describe('EndOfTurn', () => {
  let written: number[];
  let kept: EndOfTurn<number>;

  beforeEach(() => {
    written = [];
    kept = new EndOfTurn((one) => void written.push(one));
  });

  it('writes everything in its order, once the turn is over', async () => {
    kept.add(1);
    kept.add(2);
    await Promise.resolve();
    expect(written).toEqual([]);
    await turn();
    expect(written).toEqual([1, 2]);
    kept.add(3);
    await turn();
    expect(written).toEqual([1, 2, 3]);
  });

  it('writes at once when it is told to, and nothing twice', async () => {
    kept.add(1);
    kept.flush();
    expect(written).toEqual([1]);
    kept.add(2);
    await turn();
    expect(written).toEqual([1, 2]);
  });

  it('lets no more than 64 wait for one another', () => {
    for (let i = 0; i < 130; i++) kept.add(i);
    expect(written).toHaveLength(128);
    kept.flush();
    expect(written).toHaveLength(130);
  });

  it('keeps what is added while it writes for the next turn', async () => {
    const seen: number[] = [];
    const nested: EndOfTurn<number> = new EndOfTurn((one) => {
      seen.push(one);
      if (one === 1) nested.add(2);
    });
    nested.add(1);
    await turn();
    expect(seen).toEqual([1]);
    await turn();
    expect(seen).toEqual([1, 2]);
  });
});
