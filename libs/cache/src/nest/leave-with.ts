import type { ServerResponse } from 'node:http';
import type { AbstractHttpAdapter } from '@nestjs/core';
import type { EndOfTurn } from './end-of-turn';
import { endInOnePiece, endOf } from './one-piece';
import type { PreparedAnswer } from './prepared-answers';

/** What is used of a reply of Fastify alone. */
export interface FastifyReply {
  then: (sent: () => void) => void;
  readonly raw?: ServerResponse;
  readonly server?: { readonly initialConfig?: { readonly handlerTimeout?: number } };
}

/**
 * Lets an answer leave at the end of this turn, with the others of it. Only Fastify has sent the head to the message
 * by then (`headersSent`), so that nobody takes the answer for one that is still to be given.
 *
 * @param prepared the answer, where it was made before: its text is sent in the place of its bytes
 */
export function leaveWith(
  turn: EndOfTurn,
  reply: FastifyReply,
  adapter: AbstractHttpAdapter,
  prepared?: Pick<PreparedAnswer, 'bytes' | 'text'>,
): void {
  const { raw, server } = reply;
  if (adapter.getType() !== 'fastify' || raw === undefined) return;
  // A deadline of Fastify takes an answer that has not ended for one that will not.
  if ((server?.initialConfig?.handlerTimeout ?? 0) > 0) return;
  const end = endOf(raw);
  raw.end = (body?: unknown, ...rest: unknown[]) => {
    // Who waits for the reply from now on does not wait for the turn to end: Fastify would listen to the message. Not
    // earlier: before its hooks have run, Fastify takes a reply that is waited for and not sent for a forgotten one.
    reply.then = atOnce;
    turn.add(() => {
      try {
        // What a hook has put in the place of the bytes is what is sent.
        const text = body === prepared?.bytes ? prepared?.text : undefined;
        if (text === undefined || !endInOnePiece(raw, text, end, rest)) end.call(raw, body, ...rest);
      } catch (error) {
        raw.destroy(error as Error);
      }
    });
    return raw;
  };
}

const atOnce = (sent: () => void): void => sent();
