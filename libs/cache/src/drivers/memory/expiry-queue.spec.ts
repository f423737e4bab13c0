import fc from 'fast-check';
import type { Entry } from '../../core/entry';
import { ExpiryQueue } from './expiry-queue';

/** All that the queue asks of an entry. */
const dyingAt = (at: number): Entry => ({ freshUntil: at, revalidateUntil: at, errorUntil: at }) as Entry;

function queueOf(entries: ReadonlyMap<string, Entry>): ExpiryQueue {
  return new ExpiryQueue(
    (key) => entries.get(key),
    () => entries.size,
  );
}

describe('the queue of expiries', () => {
  it('names those that are dead by then, and nobody else, after any number of rebuilds', () => {
    const step = fc.tuple(fc.nat(80), fc.nat(40), fc.boolean());
    fc.assert(
      fc.property(fc.array(step, { minLength: 200, maxLength: 400, size: 'max' }), (steps) => {
        const entries = new Map<string, Entry>();
        const queue = queueOf(entries);
        for (const [key, at, stays] of steps) {
          entries.set(`${key}`, dyingAt(at));
          queue.push(at, `${key}`);
          if (!stays) entries.delete(`${key}`);
        }
        for (let now = 0; now <= 40; now++) {
          const expected = [...entries].filter(([, { errorUntil }]) => errorUntil <= now).map(([key]) => key);
          const named: string[] = [];
          for (let dead = queue.popDead(now); dead !== undefined; dead = queue.popDead(now)) {
            entries.delete(dead.key);
            named.push(dead.key);
          }
          expect(named.sort()).toEqual(expected.sort());
        }
      }),
      { numRuns: 50, endOnFailure: true },
    );
  });

  it('keeps one of those that say the same: what is written again and again does not fill it', () => {
    const entries = new Map(Array.from({ length: 40 }, (_, i) => [`${i}`, dyingAt(1)]));
    const queue = queueOf(entries);
    for (const key of entries.keys()) queue.push(1, key);
    for (let i = 0; i < 1_000; i++) queue.push(1, '0');
    expect(queue.length).toBeLessThanOrEqual(2 * entries.size);
  });
});
