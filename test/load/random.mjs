/** Numbers in [0, 1) that a seed repeats (mulberry32): two runs with one seed ask for the same things. */
export function seeded(seed) {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}

/** Draws 1 … `count`, the first most often: the share of rank r is proportional to 1 / r^`skew`. */
export function zipf(count, skew, random) {
  const upTo = new Float64Array(count);
  let sum = 0;
  for (let rank = 1; rank <= count; rank++) upTo[rank - 1] = sum += rank ** -skew;
  return () => {
    const target = random() * sum;
    let low = 0;
    let high = count - 1;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (upTo[middle] > target) high = middle;
      else low = middle + 1;
    }
    return low + 1;
  };
}

/** Time to the next arrival when arrivals know nothing of each other, `rate` a second on average; in milliseconds. */
export const exponential = (rate, random) => (-Math.log(1 - random()) / rate) * 1_000;
