import type { AbstractHttpAdapter } from '@nestjs/core';
import type { Entry } from '../core/entry';
import { DECISIVE_HEADERS } from '../http/cacheability';
import type { Representation } from '../http/representation';
import type { Described } from './http-load';
import { fastifyHead, HIT_ONCE, preparedFor, type PreparedAnswer } from './prepared-answers';

const OK = 200;

interface Reply {
  readonly statusCode: number;
  hasHeader(name: string): boolean;
}

/**
 * Writes the head of the answer that an earlier hit of the entry was given, as the fast lane does it; the body is for
 * the caller. `undefined`, and nothing written, for an answer that has to be made by itself: the first hit of an entry,
 * one of which something set before decides who may have it, one that there is no room for, one without a body (`HEAD`),
 * and any on Express.
 */
export function preparedHit(
  original: object,
  adapter: AbstractHttpAdapter,
  described: Described,
  entry: Entry<Representation>,
  grown: () => boolean,
): PreparedAnswer | undefined {
  const { operation, request } = described;
  const { status, forms } = entry.value;
  const reply = original as Reply;
  if (status !== OK || adapter.getType() !== 'fastify' || request.method === 'HEAD') return undefined;
  if (DECISIVE_HEADERS.some((name) => reply.hasHeader(name))) return undefined;
  if (forms.prepared === undefined) {
    forms.prepared = HIT_ONCE;
    return undefined;
  }
  const answers = preparedFor(operation, entry, fastifyHead, Date.now());
  const answer = answers?.find(request.headers) ?? answers?.make(described, entry, grown);
  if (answer === undefined) return undefined;
  if (reply.statusCode !== answer.status) adapter.status(reply, answer.status);
  const { head } = answer;
  for (let i = 0; i < head.length; i += 2) {
    // Fastify's own: it may send the body in another form, or with trailers.
    if (head[i] !== 'content-length') adapter.setHeader(reply, head[i]!, head[i + 1]!);
  }
  return answer;
}
