import { ServerResponse } from 'node:http';

const { prototype } = ServerResponse;

/** `end` of a response by itself: what it is called with besides a body are an encoding and a callback. */
export type End = (this: ServerResponse, body?: unknown, ...rest: unknown[]) => ServerResponse;

export const endOf = (response: ServerResponse): End => (response as { end: End }).end;

/**
 * Ends a response, whose head is written and has not left, with a body as a text of latin1. Head and body are one text
 * here, and so one write; `end(body)` would make two of it.
 *
 * @returns false, and nothing done, where the body has to be sent as bytes: behind others on its connection (pipelining)
 *   there is no socket yet; of one that is gone, Node would tell that it has got the answer; and whatever stands in the
 *   place of Node's own `write` or `end` (compression, HTTP/2) is made for bytes
 */
export function endInOnePiece(
  response: ServerResponse,
  text: string,
  end: End = endOf(response),
  rest: readonly unknown[] = [],
): boolean {
  const { socket } = response;
  // A stream of HTTP/2 that has been reset has none at all.
  if (socket == null || socket.destroyed) return false;
  if (response.write !== prototype.write || end !== prototype.end) return false;
  // Else `write` would do that, and have a tick of the queue come back for it.
  socket.cork();
  response.write(text, 'latin1');
  socket.uncork();
  end.call(response, undefined, ...rest);
  return true;
}
