import { randomUUID } from 'node:crypto';
import { STATUS_CODES } from 'node:http';
import type { Socket } from 'node:net';
import { problem, PROBLEM_TYPE } from './problem';

/** What Node's parser says of a message that never becomes a request. */
const KNOWN: Readonly<Record<string, readonly [number, string]>> = {
  HPE_HEADER_OVERFLOW: [431, 'the header of the request is larger than 16 KiB'],
  ERR_HTTP_REQUEST_TIMEOUT: [408, 'the request took too long to arrive'],
};

/** Answers, with a problem document, what is no HTTP request; there is no path to name and no reply to send it by. */
export function answerClientError(error: Error & { code?: string }, socket: Socket): void {
  // Gone, or an answer is under way (Node's own handler looks at the same field): this would be taken for a part of it.
  const isAnswering = Boolean((socket as { _httpMessage?: unknown })._httpMessage);
  if (error.code === 'ECONNRESET' || !socket.writable || isAnswering) return void socket.destroy();
  const [status, detail] = KNOWN[error.code ?? ''] ?? [400, 'this is not a well-formed HTTP request'];
  const correlationId = randomUUID();
  const body = JSON.stringify(problem({ status, detail, correlationId }));
  const head = [
    `HTTP/1.1 ${status} ${STATUS_CODES[status]}`,
    `content-type: ${PROBLEM_TYPE}; charset=utf-8`,
    `content-length: ${Buffer.byteLength(body)}`,
    `x-request-id: ${correlationId}`,
    'connection: close',
  ];
  socket.write(`${head.join('\r\n')}\r\n\r\n${body}`);
  // A client that keeps its half open would hold the stop of the service.
  socket.destroySoon();
}
