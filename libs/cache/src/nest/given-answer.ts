import type { ServerResponse } from 'node:http';
import { setImmediate as turn, setTimeout as pause } from 'node:timers/promises';

/** A hook of the framework may wait before an answer leaves; whoever swallows it must not hold a load for ever. */
const LONGEST_WAIT_MS = 1_000;
const PAUSE_MS = 2;
/** Turns after which an answer that was given has mostly left, and who looks at its status then has seen it. */
const TURNS = 2;

/**
 * Resolves when the head of an answer is with Node, and can be changed by nobody any more: true, or false where nobody
 * gives it. Not when it has left: that is up to a client, who may never read it, or be gone with answers before it
 * unread (pipelining).
 */
export async function given(response: ServerResponse, longestWaitMs = LONGEST_WAIT_MS): Promise<boolean> {
  const giveUpAt = performance.now() + longestWaitMs;
  while (!response.headersSent && !response.destroyed) {
    if (performance.now() > giveUpAt) return false;
    await pause(PAUSE_MS, undefined, { ref: false });
  }
  for (let i = 0; i < TURNS && !response.writableFinished; i++) await turn();
  return true;
}
