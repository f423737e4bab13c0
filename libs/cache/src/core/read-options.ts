import type { EntryOptions } from './options';

/** Options of one read or write. */
export interface ReadOptions extends EntryOptions {
  /** Ends the waiting of this caller with the signal's reason; the load goes on for others. */
  signal?: AbortSignal;
  /** What the value depends on; invalidating any of them makes it a miss. @default [] */
  tags?: readonly string[];
}
