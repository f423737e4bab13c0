import { AsyncLocalStorage, createHook } from 'node:async_hooks';
import { setImmediate as turn } from 'node:timers/promises';
import { Logger } from '@nestjs/common';
import { EndOfTurn } from './end-of-turn';

describe('EndOfTurn', () => {
  let written: number[];
  let kept: EndOfTurn;
  const add = (one: number): void => kept.add(() => void written.push(one));

  beforeEach(() => {
    written = [];
    kept = new EndOfTurn();
  });

  it('writes everything in its order, once the turn is over', async () => {
    add(1);
    add(2);
    await Promise.resolve();
    expect(written).toEqual([]);
    await turn();
    expect(written).toEqual([1, 2]);
    add(3);
    await Promise.resolve();
    expect(written).toEqual([1, 2]);
    await turn();
    expect(written).toEqual([1, 2, 3]);
  });

  it('writes at once the more answers, up to 15, the longer each was alone in its turn, and none by chance', async () => {
    const atOnce: number[] = [];
    const inTurns = async (count: number): Promise<void> => {
      let direct = 0;
      for (let i = 0; i < count; i++) {
        const before = written.length;
        add(i);
        if (written.length > before) {
          direct++;
        } else {
          atOnce.push(direct);
          direct = 0;
        }
        await turn();
      }
    };
    await inTurns(4 + 2 + 4 + 8 + 16 + 16);
    expect(atOnce).toEqual([0, 0, 0, 0, 1, 3, 7, 15, 15]);
    // 15 more, and the next that is kept is not alone.
    for (let i = 0; i < 17; i++) add(i);
    await turn();
    atOnce.length = 0;
    await inTurns(4 + 2);
    expect(atOnce).toEqual([0, 0, 0, 0, 1]);
  });

  it('a turn whose answers have had to leave earlier says nothing of whether they were alone', async () => {
    for (let i = 0; i < 5; i++) {
      add(1);
      kept.flush();
      await turn();
    }
    written = [];
    add(2);
    expect(written).toEqual([]);
    await turn();
    expect(written).toEqual([2]);
  });

  it('writes at once when it is told to, and nothing twice', async () => {
    add(1);
    kept.flush();
    expect(written).toEqual([1]);
    add(2);
    await turn();
    expect(written).toEqual([1, 2]);
  });

  it('lets no more than 64 wait for one another', () => {
    for (let i = 0; i < 130; i++) add(i);
    expect(written).toHaveLength(128);
    kept.flush();
    expect(written).toHaveLength(130);
  });

  it('keeps what is added while it writes for the next turn', async () => {
    kept.add(() => {
      written.push(1);
      add(3);
    });
    add(2);
    await turn();
    expect(written).toEqual([1, 2]);
    await turn();
    expect(written).toEqual([1, 2, 3]);
  });

  it('writes each in the asynchronous context that it was added in', async () => {
    const storage = new AsyncLocalStorage<number>();
    const seen: unknown[] = [];
    for (const request of [1, 2]) storage.run(request, () => kept.add(() => seen.push(storage.getStore())));
    kept.add(() => seen.push(storage.getStore()));
    await turn();
    expect(seen).toEqual([1, 2, undefined]);
  });

  it('ends each context, for those who keep something for it', async () => {
    const open = new Set<number>();
    const hook = createHook({
      init: (id, type) => void (type === 'StrataAnswer' && open.add(id)),
      destroy: (id) => void open.delete(id),
    }).enable();
    add(1);
    add(2);
    expect(open.size).toBe(2);
    await turn();
    await turn();
    expect(open.size).toBe(0);
    hook.disable();
  });

  it('writes the others when one fails', async () => {
    const error = jest.spyOn(Logger.prototype, 'error').mockImplementation();
    add(1);
    kept.add(() => {
      throw new Error('of one');
    });
    add(2);
    await turn();
    expect(written).toEqual([1, 2]);
    expect(error).toHaveBeenCalledWith(new Error('of one'));
    error.mockRestore();
  });

  it('keeps nothing back once the application closes', () => {
    add(1);
    kept.onModuleDestroy();
    expect(written).toEqual([1]);
    add(2);
    expect(written).toEqual([1, 2]);
  });
});
