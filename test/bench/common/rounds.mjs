import { setTimeout } from 'node:timers/promises';

export const product = (i) => ({
  id: i,
  name: `Product ${i}`,
  description: 'x'.repeat(380),
  price: 9.99,
  inStock: true,
});

/**
 * Runs each contestant once a round, one after the other. What one leaves to be done has a moment, and garbage is
 * collected (`--expose-gc`): nobody pays for the one before.
 *
 * @param contestants `{ name, processes }`: one of its processes takes each round, in turn, since one process of a
 *   program differs from the next by more than rounds of one do; `run()` of a process gives one figure, or several by
 *   name
 * @returns by name, what each round gave
 */
export async function interleaved(contestants, rounds) {
  const runs = new Map(contestants.map(({ name }) => [name, []]));
  for (let round = 0; round < rounds; round++) {
    for (const { name, processes } of contestants) {
      await setTimeout(50);
      globalThis.gc?.();
      runs.get(name).push(await processes[round % processes.length].run());
    }
  }
  return runs;
}

/** Operations a second of `count` calls of `work` that took since `startedAt`. */
export const perSecond = (count, startedAt) => (count / (performance.now() - startedAt)) * 1_000;

/** Indices 0…n-1 by a Zipf law, from a fixed seed. */
export function zipf(n, s, count) {
  const cumulative = [];
  let sum = 0;
  for (let i = 1; i <= n; i++) cumulative.push((sum += 1 / i ** s));
  let seed = 42;
  const random = () => (seed = (seed * 1_103_515_245 + 12_345) % 2_147_483_648) / 2_147_483_648;
  return Array.from({ length: count }, () => {
    const target = random() * sum;
    let [low, high] = [0, n - 1];
    while (low < high) {
      const middle = (low + high) >> 1;
      if (cumulative[middle] < target) low = middle + 1;
      else high = middle;
    }
    return low;
  });
}

/** Slope of a straight line through the logarithms: 0 = does not grow, 1 = in proportion. */
export function exponent(points) {
  const logs = points.map(([x, y]) => [Math.log(x), Math.log(y)]);
  const mean = (of) => logs.reduce((sum, point) => sum + point[of], 0) / logs.length;
  const [mx, my] = [mean(0), mean(1)];
  const covariance = logs.reduce((sum, [x, y]) => sum + (x - mx) * (y - my), 0);
  return covariance / logs.reduce((sum, [x]) => sum + (x - mx) ** 2, 0);
}
