import fc from 'fast-check';
import { Entry } from '../../core/entry';
import { FakeClock } from '../../testing';
import { LruLocalStore } from './lru-local-store';

const NAMES = Array.from({ length: 10 }, (_, i) => String(i));

describe('LruLocalStore', () => {
  let clock: FakeClock;
  const evicted: [string, string][] = [];

  beforeEach(() => {
    clock = new FakeClock();
    evicted.length = 0;
  });

  const store = (maxEntries: number, maxBytes = 1_000_000): LruLocalStore =>
    new LruLocalStore({ maxEntries, maxBytes }, { evicted: (key, _e, reason) => evicted.push([key, reason]) }, clock);
  const entry = (key: string, ttl = 60_000): Entry => {
    const [createdAt, until] = [clock.now(), clock.now() + ttl];
    const lifetime = { createdAt, freshUntil: until, revalidateUntil: until, errorUntil: until };
    const born = { epoch: 'e', seq: 1 };
    const decoded = { ...lifetime, value: 0, born, tags: [], negative: false, bytes: 1, validator: '' };
    return new Entry(decoded, [], { proven: 1, generation: 1 }, { cache: 'c', key });
  };

  it('evicts what was used least recently', () => {
    const lru = store(3);
    for (const key of ['a', 'b', 'c']) lru.set(key, entry(key), 1);
    lru.get('a');
    lru.set('d', entry('d'), 1);
    expect(evicted).toEqual([['b', 'size']]);
  });

  it('makes an overwritten key the most recent one', () => {
    const lru = store(2);
    lru.set('a', entry('a'), 1);
    lru.set('b', entry('b'), 1);
    const renewed = entry('a');
    lru.set('a', renewed, 1);
    lru.set('c', entry('c'), 1);
    expect(lru.peek('a')).toBe(renewed);
    expect(evicted).toEqual([['b', 'size']]);
  });

  it('evicts an expired entry before a live one, even a more recently used one', async () => {
    const lru = store(2);
    const live = entry('live');
    lru.set('live', live, 1);
    lru.set('dying', entry('dying', 10), 1);
    lru.get('dying');
    await clock.advance(10);
    lru.set('new', entry('new'), 1);
    expect(evicted).toEqual([['dying', 'expired']]);
    expect(lru.peek('live')).toBe(live);
  });

  it('an entry renewed before its first expiry is not taken for dead', async () => {
    const lru = store(2);
    lru.set('a', entry('a', 10), 1);
    lru.set('a', entry('a', 1_000), 1);
    lru.set('b', entry('b', 1_000), 1);
    await clock.advance(20);
    lru.get('a');
    lru.set('c', entry('c'), 1);
    expect(evicted).toEqual([['b', 'size']]);
  });

  it('an entry that grows makes others go, never itself', () => {
    const lru = store(100, 100);
    const [a, b, c] = ['a', 'b', 'c'].map((key) => entry(key)) as [Entry, Entry, Entry];
    for (const one of [a, b, c]) lru.set(one.key, one, 30);
    expect([lru.grow(c, 10), lru.bytes, evicted]).toEqual([true, 100, []]);
    // The one that was not used for the longest time, and grows all the same.
    expect([lru.grow(a, 1), lru.bytes, evicted]).toEqual([true, 71, [['b', 'size']]]);
    expect([lru.grow(entry('a'), 50), lru.grow(b, 1), lru.bytes]).toEqual([false, false, 71]);
    expect([lru.grow(a, 70), lru.bytes, lru.peek('a')]).toEqual([false, 71, a]);
    expect([lru.grow(a, 69), lru.bytes, lru.size]).toEqual([true, 100, 1]);
  });

  it('is bounded by bytes and refuses what is larger than all of it', () => {
    const lru = store(100, 100);
    for (let i = 0; i < 10; i++) lru.set(`k${i}`, entry(`k${i}`), 30);
    expect(lru.size).toBe(3);
    expect(lru.bytes).toBe(90);
    expect(lru.set('huge', entry('huge'), 101)).toBe(false);
    expect(lru.size).toBe(3);
  });

  it('refusing an oversized value also drops the old one of that key', () => {
    const lru = store(100, 100);
    lru.set('a', entry('a'), 10);
    expect(lru.set('a', entry('a'), 101)).toBe(false);
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
      fc.property(fc.array(operation, { maxLength: 200, size: 'max' }), (operations) => {
        const lru = store(5, 100);
        for (const step of operations) {
          if (step.op === 'set') {
            const stored = entry(step.key, step.ttl);
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

  it('evicts what a list of keys in the order of use would evict', () => {
    const key = fc.constantFrom(...NAMES);
    const step = fc.tuple(fc.constantFrom('set', 'get', 'peek', 'delete'), key);
    fc.assert(
      fc.property(fc.array(step, { maxLength: 100, size: 'max' }), (steps) => {
        const lru = store(4);
        let inOrder: string[] = [];
        for (const [what, name] of steps) {
          const others = inOrder.filter((one) => one !== name);
          if (what === 'set') {
            lru.set(name, entry(name), 1);
            inOrder = [...others, name].slice(-4);
          } else if (what === 'delete') {
            lru.delete(name);
            inOrder = others;
          } else {
            const found = what === 'get' ? lru.get(name) : lru.peek(name);
            expect(found !== undefined).toBe(others.length < inOrder.length);
            if (what === 'get' && found !== undefined) inOrder = [...others, name];
          }
          const held = NAMES.filter((one) => lru.peek(one) !== undefined);
          expect([...held, lru.size, lru.bytes]).toEqual([...[...inOrder].sort(), held.length, held.length]);
        }
      }),
    );
  });

  it('an entry that has left holds no other', () => {
    const lru = store(2);
    const [a, b, c, d] = ['a', 'b', 'c', 'd'].map((key) => entry(key)) as [Entry, Entry, Entry, Entry];
    const links = (one: Entry): unknown[] => [one.older, one.newer];
    for (const one of [a, b, c]) lru.set(one.key, one, 1);
    expect([links(a), links(b), links(c)]).toEqual([
      [undefined, undefined],
      [undefined, c],
      [b, undefined],
    ]);
    expect(links(c.copy())).toEqual([undefined, undefined]);
    lru.delete('b');
    lru.set('d', d, 1);
    lru.clear();
    for (const one of [a, b, c, d]) expect(links(one)).toEqual([undefined, undefined]);
  });

  it('may be read and written by whoever hears that something had to go', () => {
    const weights: Record<string, number> = { a: 5, b: 6, c: 1 };
    const heard: string[] = [];
    const lru: LruLocalStore = new LruLocalStore(
      { maxEntries: 3, maxBytes: 10 },
      {
        evicted: (key) => {
          heard.push(key);
          for (const one of ['a', 'b', 'c']) lru.get(one);
          lru.delete('c');
          if (key === 'a') lru.set('d', entry('d'), 1);
        },
      },
      clock,
    );
    for (const [key, weight] of [...Object.entries(weights), ['b', 7]] as const) lru.set(key, entry(key), weight);
    expect(heard).toEqual(['a']);
    lru.set('d', entry('d'), 9);
    const held = ['a', 'b', 'c', 'd'].filter((key) => lru.peek(key) !== undefined);
    expect([held, lru.size, lru.bytes]).toEqual([['d'], 1, 9]);
    for (const key of ['e', 'f', 'g', 'h']) lru.set(key, entry(key), 1);
    expect(lru.size).toBeLessThanOrEqual(3);
    expect(lru.bytes).toBe(lru.size);
  });

  it('takes the same entry again, with another weight', () => {
    const lru = store(2);
    const [a, b] = [entry('a'), entry('b')];
    lru.set('a', a, 5);
    lru.set('b', b, 5);
    lru.set('a', a, 7);
    expect([lru.size, lru.bytes]).toEqual([2, 12]);
    lru.set('c', entry('c'), 1);
    expect(evicted).toEqual([['b', 'size']]);
  });

  it('keeps its table of expiries bounded by the entries it holds', () => {
    const lru = store(100);
    for (let i = 0; i < 10_000; i++) lru.set(`unique-${i}`, entry(`unique-${i}`), 1);
    for (let i = 0; i < 10_000; i++) lru.set('same', entry('same'), 1);
    const { expiries } = lru as unknown as { expiries: { length: number } };
    expect(expiries.length).toBeLessThanOrEqual(201);
  });
});
