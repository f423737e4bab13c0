import { performance } from 'node:perf_hooks';

/** A running timer; `cancel` is idempotent. */
export interface Timer {
  cancel(): void;
}

/**
 * The only source of time for the core, so that a test can hold it still.
 *
 * Expiry travels between processes and therefore uses wall time; leases and waits use monotonic time,
 * which no clock step can shorten.
 */
export interface Clock {
  /** Wall time in milliseconds since the Unix epoch. */
  now(): number;
  /** Milliseconds that never go back; the origin is arbitrary. */
  monotonic(): number;
  /** Runs `task` once after `ms` milliseconds, 24 days at most. The timer never keeps the process alive. */
  after(ms: number, task: () => void): Timer;
}

/** 24 days: Node takes more for one millisecond. */
const LONGEST_TIMER_MS = 0x7fff_ffff;

/** Time of the running process. */
export const systemClock: Clock = {
  now: () => Date.now(),
  monotonic: () => performance.now(),
  after(ms, task) {
    const handle = setTimeout(task, Math.min(ms, LONGEST_TIMER_MS));
    handle.unref();
    return { cancel: () => clearTimeout(handle) };
  },
};

/** Resolves after `ms` milliseconds of `clock`. */
export function delay(clock: Clock, ms: number): Promise<void> {
  return new Promise((resolve) => void clock.after(ms, resolve));
}

/** Resolves when `work` has ended, either way, and after `ms` milliseconds of `clock` at the latest. */
export function atMost(clock: Clock, ms: number, work: Promise<unknown>): Promise<void> {
  return new Promise((resolve) => {
    const timer = clock.after(ms, resolve);
    const end = (): void => {
      timer.cancel();
      resolve();
    };
    work.then(end, end);
  });
}

/** Wall time, about, at which this process has begun: to keep other times against, never to decide by. */
export const PROCESS_START = Date.now();
