import fc from 'fast-check';
import type { Entry } from '../../core/entry';
import { FakeClock } from '../../testing';
import { LruLocalStore } from './lru-local-store';

describe('LruLocalStore', () => {
  let clock: FakeClock;
  const evicted: [string, string][] = [];

  beforeEach(() => {
    clock = new FakeClock();
    evicted.length = 0;
  });

  const store = (maxEntries: number, maxBytes = 1_000_000): LruLocalStore =>
    new LruLocalStore({ maxEntries, maxBytes }, { evicted: (key, _e, reason) => evicted.push([key, reason]) }, clock);
  const entry = (ttl = 60_000): Entry => {
    const until = clock.now() + ttl;
    return { value: 0, freshUntil: until, revalidateUntil: until, errorUntil: until } as unknown as Entry;
  };

  it('evicts what was used least recently', () => {
    const lru = store(3);
    for (const key of ['a', 'b', 'c']) lru.set(key, entry(), 1);
    lru.get('a');
    lru.set('d', entry(), 1);
    expect(evicted).toEqual([['b', 'size']]);
  });

  it('makes an overwritten key the most recent one', () => {
    const lru = store(2);
    lru.set('a', entry(), 1);
    lru.set('b', entry(), 1);
    const renewed = entry();
    lru.set('a', renewed, 1);
    lru.set('c', entry(), 1);
    expect(lru.peek('a')).toBe(renewed);
    expect(evicted).toEqual([['b', 'size']]);
  });

  it('evicts an expired entry before a live one, even a more recently used one', async () => {
    const lru = store(2);
    const live = entry();
    lru.set('live', live, 1);
    lru.set('dying', entry(10), 1);
    lru.get('dying');
    await clock.advance(10);
    lru.set('new', entry(), 1);
    expect(evicted).toEqual([['dying', 'expired']]);
    expect(lru.peek('live')).toBe(live);
  });

  it('an entry renewed before its first expiry is not taken for dead', async () => {
    const lru = store(2);
    lru.set('a', entry(10), 1);
    lru.set('a', entry(1_000), 1);
    lru.set('b', entry(1_000), 1);
    await clock.advance(20);
    lru.get('a');
    lru.set('c', entry(), 1);
    expect(evicted).toEqual([['b', 'size']]);
  });

  it('is bounded by bytes and refuses what is larger than all of it', () => {
    const lru = store(100, 100);
    for (let i = 0; i < 10; i++) lru.set(`k${i}`, entry(), 30);
    expect(lru.size).toBe(3);
    expect(lru.bytes).toBe(90);
    expect(lru.set('huge', entry(), 101)).toBe(false);
    expect(lru.size).toBe(3);
  });

  it('refusing an oversized value also drops the old one of that key', () => {
    const lru = store(100, 100);
    lru.set('a', entry(), 10);
    expect(lru.set('a', entry(), 101)).toBe(false);
    expect(lru.peek('a')).toBeUndefined();
  });

  it('holds both bounds and forgets nothing live and recent, whatever is done to it', () => {
    const key = fc.integer({ min: 0, max: 12 }).map(String);
    const operation = fc.oneof(
      fc.record({
        op: fc.constant('set' as const),
        key,
        weight: fc.integer({ min: 1, max: 40 }),
        ttl: fc.integer({ min: 1, max: 50 }),
      }),
      fc.record({ op: fc.constant('get' as const), key }),
      fc.record({ op: fc.constant('delete' as const), key }),
    );
    fc.assert(
      fc.property(fc.array(operation, { maxLength: 200 }), (operations) => {
        const lru = store(5, 100);
        for (const step of operations) {
          if (step.op === 'set') {
            const stored = entry(step.ttl);
            lru.set(step.key, stored, step.weight);
            expect(lru.peek(step.key)).toBe(stored);
          } else if (step.op === 'get') lru.get(step.key);
          else {
            lru.delete(step.key);
            expect(lru.peek(step.key)).toBeUndefined();
          }
          expect(lru.size).toBeLessThanOrEqual(5);
          expect(lru.bytes).toBeLessThanOrEqual(100);
        }
      }),
    );
  });

  it('keeps its table of expiries bounded by the entries it holds', () => {
    const lru = store(100);
    for (let i = 0; i < 10_000; i++) lru.set(`unique-${i}`, entry(), 1);
    for (let i = 0; i < 10_000; i++) lru.set('same', entry(), 1);
    const { expiries } = lru as unknown as { expiries: { length: number } };
    expect(expiries.length).toBeLessThanOrEqual(201);
  });
});
