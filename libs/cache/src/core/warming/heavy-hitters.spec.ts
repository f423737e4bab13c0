import fc from 'fast-check';
import { HeavyHitters } from './heavy-hitters';

const keysOf = (sketch: HeavyHitters, count: number) => sketch.drain(count).map(({ key }) => key);

describe('heavy hitters', () => {
  it('counts exactly while there is little to count, hottest first', () => {
    const sketch = new HeavyHitters(10);
    for (const key of ['a', 'b', 'a', 'c', 'a', 'b']) sketch.touch(key);
    expect(sketch.drain(2)).toEqual([
      { key: 'a', heat: 3 },
      { key: 'b', heat: 2 },
    ]);
  });

  it('begins anew once drained, and takes back what could not be delivered', () => {
    const sketch = new HeavyHitters(10);
    sketch.touch('a');
    const drained = sketch.drain(5);
    expect(sketch.drain(5)).toEqual([]);
    sketch.touch('a');
    sketch.restore(drained);
    expect(sketch.drain(5)).toEqual([{ key: 'a', heat: 2 }]);
  });

  it('never holds more keys than its capacity, and no key that is longer than 512', () => {
    const sketch = new HeavyHitters(100);
    for (let n = 0; n < 50_000; n++) {
      sketch.touch(`key ${n}`);
      expect(sketch.size).toBeLessThanOrEqual(100);
    }
    sketch.drain(100);
    sketch.touch('x'.repeat(513));
    expect(sketch.size).toBe(0);
    sketch.touch('x'.repeat(512));
    expect(sketch.size).toBe(1);
  });

  it('takes a sample of a busy stream: its work grows with the logarithm of the look-ups', () => {
    let draws = 0;
    const sketch = new HeavyHitters(100, () => {
      draws++;
      return Math.random();
    });
    for (let n = 0; n < 1_000_000; n++) sketch.touch(`key ${n % 50}`);
    // 1 024 samples for each doubling: log2(1 000 000 / 1 024) + 1 = 11 of them.
    expect(draws).toBeLessThan(13_000);
    expect(draws).toBeGreaterThan(5_000);
    const total = sketch.drain(100).reduce((sum, { heat }) => sum + heat, 0);
    expect(total / 1_000_000).toBeCloseTo(1, 0);
  });

  it('finds them in a long stream too, of which it sees a sample', () => {
    for (let seed = 1; seed <= 20; seed++) {
      let state = seed;
      const random = () => (state = (state * 48_271) % 2_147_483_647) / 2_147_483_647;
      const sketch = new HeavyHitters(200, random);
      // A tenth of the stream is ten hot keys, a hundredth of it each; the rest never returns.
      for (let n = 0; n < 100_000; n++) sketch.touch(n % 10 === 0 ? `hot ${(n / 10) % 10}` : `rare ${n}`);
      const found = keysOf(sketch, 40);
      for (let hot = 0; hot < 10; hot++) expect(found).toContain(`hot ${hot}`);
    }
  });

  it('finds the keys of a fair share among any number of rare ones, wherever they come in the stream', () => {
    fc.assert(
      fc.property(fc.array(fc.nat(9), { minLength: 400, maxLength: 400 }), (order) => {
        const sketch = new HeavyHitters(40);
        let rare = 0;
        // Hot: ten keys, each about a twentieth of the stream; between two of them always a key that never returns.
        for (const hot of order) {
          sketch.touch(`hot ${hot}`);
          sketch.touch(`rare ${rare++}`);
        }
        const counts = new Map<number, number>();
        for (const hot of order) counts.set(hot, (counts.get(hot) ?? 0) + 1);
        const found = keysOf(sketch, 40);
        // Purges take at most 2 n / capacity from a key: who has more is there.
        for (const [hot, count] of counts) if (count > (2 * 800) / 40) expect(found).toContain(`hot ${hot}`);
      }),
      { numRuns: 100 },
    );
  });
});
