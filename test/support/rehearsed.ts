import type { IncomingMessage, ServerResponse } from 'node:http';
import type { INestApplication } from '@nestjs/common';
import { FastLane } from '@strata/cache';

/** One answer, as far as the application decides it. */
interface Sent {
  readonly status: number;
  /** `name: value`, in the order of sending. */
  readonly head: readonly string[];
  readonly body: string;
}

/**
 * Opens the fast lane and lets it answer nothing: Nest answers each request, and what the lane would have sent before
 * it and right after it is compared with what was sent. Every other hit is answered in full behind the interceptor,
 * the others with what was prepared there. Closing the application fails when something differs.
 *
 * @param atLeast answers that must have been compared
 */
export function rehearsed(app: INestApplication, atLeast = 0): void {
  const lane = app.get(FastLane);
  lane.open();
  let compared = 0;
  const differences: object[] = [];
  lane.answer = (request, response) => {
    const before = wouldSend(lane, request);
    record(response, (sent) => {
      const isHit = sent.head.some((line) => /^cache-status: strata; hit; ttl=-?\d+; detail=L1$/.test(line));
      for (const would of [before, isHit ? wouldSend(lane, request) : undefined]) {
        if (would === undefined) continue;
        compared++;
        if (!isSame(would, sent)) differences.push({ url: request.url, would, sent });
      }
    });
    return false;
  };
  const [isToLearn, learn] = [lane.isToLearn.bind(lane), lane.learn.bind(lane)];
  let hits = 0;
  lane.isToLearn = () => ++hits % 2 === 1;
  lane.learn = (context, exchange, ours) => {
    if (isToLearn(context, exchange)) learn(context, exchange, ours);
  };
  const destroy = lane.onModuleDestroy.bind(lane);
  lane.onModuleDestroy = () => {
    destroy();
    expect(differences).toEqual([]);
    expect(compared).toBeGreaterThanOrEqual(atLeast);
  };
}

function wouldSend(lane: FastLane, request: IncomingMessage): Sent | undefined {
  const found = lane.find(request);
  if (found === undefined) return undefined;
  const head = found.head.flatMap((name, i) => (i % 2 === 0 ? [`${name}: ${found.head[i + 1]!}`] : []));
  const { status, bytes, text } = found.answer;
  const body = bytes?.toString('latin1') ?? '';
  // The lane sends the one or the other.
  expect(text ?? body).toBe(body);
  return { status, head, body };
}

/** Headers that Node writes by itself. */
const OF_NODE = /^(Date|Connection|Keep-Alive|Transfer-Encoding):/;

function record(response: ServerResponse, done: (sent: Sent) => void): void {
  const chunks: Buffer[] = [];
  const keep = (chunk: unknown, encoding: unknown): void => {
    if (typeof chunk === 'string') chunks.push(Buffer.from(chunk, encoding as BufferEncoding | undefined));
    else if (chunk instanceof Uint8Array) chunks.push(Buffer.from(chunk));
  };
  const [write, end] = [response.write.bind(response), response.end.bind(response)];
  response.write = ((...given: Parameters<typeof write>) => (keep(given[0], given[1]), write(...given))) as never;
  response.end = ((...given: Parameters<typeof end>) => (keep(given[0], given[1]), end(...given))) as never;
  response.on('finish', () => {
    const [, ...lines] = (response as unknown as { _header: string })._header.trimEnd().split('\r\n');
    const head = lines.filter((line) => !OF_NODE.test(line));
    done({ status: response.statusCode, head, body: Buffer.concat(chunks).toString('latin1') });
  });
}

/** Byte for byte, but that a second may have passed, and each answer has a request id of its own. */
function isSame(a: Sent, b: Sent): boolean {
  const others = ({ head }: Sent): string[] => head.map((line) => line.replace(SECONDS, '$1#').replace(ID, '$1#'));
  const seconds = ({ head }: Sent): number[] => head.flatMap((line) => SECONDS.exec(line)?.[2] ?? []).map(Number);
  const isNear = seconds(a).every((value, i) => Math.abs(value - seconds(b)[i]!) <= 1);
  return a.status === b.status && a.body === b.body && isNear && String(others(a)) === String(others(b));
}

const SECONDS = /^(age: |cache-status: strata; hit; ttl=)(-?\d+)/;
const ID = /^(x-request-id: ).*/;
