import type { WarmProgress } from '@strata/cache';

/** Progress of a warming as callers see it. */
export interface WarmState extends Omit<WarmProgress, 'startedAt'> {
  /** ISO 8601; `null` before the first. */
  readonly startedAt: string | null;
}

export function warmState({ startedAt, ...counts }: WarmProgress): WarmState {
  return { ...counts, startedAt: startedAt === undefined ? null : new Date(startedAt).toISOString() };
}
