// How a contestant compares with another one, and how sure that is.
import { median } from './report.mjs';

/** The median of one figure of all rounds. */
export const typical = (rounds, figure = (one) => one) => median(rounds.map(figure));

export const MIDDLE_HALF = 'middle half';

/**
 * What one costs (or does), times the other, in the same round: what a machine does to both of them cancels out. The
 * median, and between what the middle half of the rounds lies: two contestants whose halves overlap are not told apart.
 */
export function ratio(rounds, others, figure = (one) => one) {
  const all = rounds.map((one, i) => figure(one) / figure(others[i])).sort((a, b) => a - b);
  const quarter = Math.floor(all.length / 4);
  const [low, high] = [all[quarter], all[all.length - 1 - quarter]];
  return [median(all).toFixed(2), `${low.toFixed(2)} … ${high.toFixed(2)}`];
}
