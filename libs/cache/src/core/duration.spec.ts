import { toMilliseconds, type Duration } from './duration';
import { systemClock } from './ports/clock';

describe('durations', () => {
  it.each<[unknown, number | undefined]>([
    ['1.5s', 1_500],
    [250, 250],
    ['2d', 172_800_000],
    [1e300, 3_155_760_000_000],
    ['99999999999h', 3_155_760_000_000],
    [Infinity, undefined],
    [Number.NaN, undefined],
    [-1, undefined],
    ['5 s', undefined],
    [null, undefined],
    [true, undefined],
    [1n, undefined],
  ])('%p', (duration, milliseconds) => {
    expect(toMilliseconds(duration as Duration)).toBe(milliseconds);
  });

  it('a timer of more than 24 days does not go off at once', () => {
    jest.useFakeTimers();
    const task = jest.fn();
    const timer = systemClock.after(30 * 86_400_000, task);
    jest.advanceTimersByTime(1_000);
    timer.cancel();
    jest.useRealTimers();
    expect(task).not.toHaveBeenCalled();
  });
});
