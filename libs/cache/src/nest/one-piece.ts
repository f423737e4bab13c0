import { ServerResponse } from 'node:http';

/**
 * Ends a response, whose head is written and has not left, with a body as a text of latin1. Head and body are one text
 * here, and so one write; `end(body)` would make two of it.
 *
 * @returns false where that cannot be: behind others on its connection (pipelining) there is no socket yet; one that is
 *   gone would be told of as if it had got the answer; who has put a `write` of his own in the place of Node's (and a
 *   response of HTTP/2) expects bytes
 */
export function endInOnePiece(response: ServerResponse, text: string, end: () => unknown): boolean {
  const { socket } = response;
  if (socket === null || socket.destroyed || response.write !== ServerResponse.prototype.write) return false;
  socket.cork();
  response.write(text, 'latin1');
  socket.uncork();
  end();
  return true;
}
