const UNITS: Record<string, number> = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 };
const PATTERN = /^(\d+(?:\.\d+)?)(ms|s|m|h|d)$/;

/** Milliseconds, or a string with a unit: `'500ms'`, `'30s'`, `'5m'`, `'2h'`, `'1d'`. */
export type Duration = number | string;

/** A hundred years: what is longer is no whole number of milliseconds for Redis, and one such entry fails all of its command. */
const LONGEST_MS = 3_155_760_000_000;

/**
 * Milliseconds of `duration`, a hundred years at most, or `undefined` when it is malformed, negative or not finite,
 * whatever its type.
 */
export function toMilliseconds(duration: Duration): number | undefined {
  const milliseconds = numberOf(duration);
  const isValid = milliseconds !== undefined && Number.isFinite(milliseconds) && milliseconds >= 0;
  return isValid ? Math.min(milliseconds, LONGEST_MS) : undefined;
}

function numberOf(duration: unknown): number | undefined {
  if (typeof duration === 'number') return duration;
  const match = typeof duration === 'string' ? PATTERN.exec(duration.trim()) : undefined;
  return match ? Number(match[1]) * UNITS[match[2]!]! : undefined;
}
