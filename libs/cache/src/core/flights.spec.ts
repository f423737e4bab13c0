import { Gate } from '../testing';
import { Flights } from './flights';
import type { ReadResult } from './read-result';

const START = { order: 0, generation: 0 };
const RESULT = {} as ReadResult<unknown>;

describe('Flights', () => {
  it('holds no more slots than it may; further loads run all the same', async () => {
    const flights = new Flights<unknown>(2);
    const gate = new Gate();
    const run = async (): Promise<ReadResult<unknown>> => (await gate.pass(), RESULT);
    const landed = ['a', 'b', 'c'].map((key) => flights.launch(key, START, run).promise);
    expect([flights.size, flights.get('c')]).toEqual([2, undefined]);
    expect(flights.launch('b', START, run)).toBe(flights.get('b'));
    gate.release();
    expect(await Promise.all(landed)).toEqual([RESULT, RESULT, RESULT]);
    await flights.settled();
    expect(flights.size).toBe(0);
  });

  it('one that fails at once lands like any other, and leaves its slot', async () => {
    const flights = new Flights<unknown>();
    const failing = (): never => {
      throw new Error('at once');
    };
    await expect(flights.launch('k', START, failing).promise).rejects.toThrow('at once');
    expect(flights.get('k')).toBeUndefined();
  });

  it('a slot taken over by a newer flight is not released by the older one', async () => {
    const flights = new Flights<unknown>();
    const [old, young] = [new Gate(), new Gate()];
    const first = flights.launch('k', START, async () => (await old.pass(), RESULT));
    const second = flights.launch('k', START, async () => (await young.pass(), RESULT));
    old.release();
    await first.promise;
    expect(flights.get('k')).toBe(second);
    young.release();
    await second.promise;
    expect(flights.get('k')).toBeUndefined();
  });
});
