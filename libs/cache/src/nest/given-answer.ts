import type { ServerResponse } from 'node:http';
import { setImmediate as turn } from 'node:timers/promises';

/** A hook of the framework may wait before an answer leaves; whoever swallows it must not hold a load for ever. */
const LONGEST_WAIT_MS = 1_000;
/** Turns after which an answer that was given has mostly left, and who looks at its status then has seen it. */
const TURNS = 2;

/**
 * Resolves when the answer is with Node: its head can be changed by nobody any more. Not when it has left: that is up to
 * a client, who may never read it, or be gone with answers before it unread (pipelining).
 *
 * @throws where nobody gives it
 */
export async function given(response: ServerResponse): Promise<void> {
  if (!response.writableEnded && !response.destroyed) await ended(response);
  for (let i = 0; i < TURNS && !response.writableFinished; i++) await turn();
}

function ended(response: ServerResponse): Promise<void> {
  return new Promise((resolve, reject) => {
    const late = (): void => reject(new Error('the answer that was taken from the cache has not been given'));
    const timer = setTimeout(late, LONGEST_WAIT_MS).unref();
    const settle = (): void => {
      clearTimeout(timer);
      resolve();
    };
    const { end } = response as { end: (...args: unknown[]) => ServerResponse };
    response.end = (...args: unknown[]) => {
      settle();
      return end.apply(response, args);
    };
    response.once('close', settle);
  });
}
