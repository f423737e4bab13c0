import type { AbstractHttpAdapter } from '@nestjs/core';
import { CacheError } from '../core/errors';
import { hidden } from './fast-lane/hidden';

type Hook = (...given: never[]) => unknown;

interface Fastify {
  addHook(name: 'onReady', hook: () => Promise<void>): unknown;
}

/**
 * A `preSerialization` hook of Fastify sees objects; a cached route answers with bytes, which pass it by. One that takes
 * something out of objects would let it pass. Hooks that are added are known when Fastify gets ready, so that the start
 * fails then: with `INVALID_OPTIONS`, which names the hook, unless it is declared transparent.
 */
export function refuseSerializationHooks(adapter: AbstractHttpAdapter, transparent: ReadonlySet<unknown>): void {
  if (adapter.getType() !== 'fastify' || transparent.has('preSerialization')) return;
  const fastify = adapter.getInstance<Fastify>();
  fastify.addHook('onReady', async () => {
    const hooks = hidden(fastify, 'fastify.hooks') as { preSerialization?: readonly Hook[] | null } | undefined;
    const odd = hooks?.preSerialization?.find((hook) => !transparent.has(hook));
    if (odd !== undefined) throw refusal(odd);
  });
}

const refusal = ({ name }: Hook): CacheError =>
  new CacheError(
    'INVALID_OPTIONS',
    `the preSerialization hook "${name || '(anonymous)'}" of Fastify would not be asked for what @Cacheable routes answer: do in an ` +
      'interceptor on the method, above @Cacheable, what it does; if it changes nothing, put it, or "preSerialization" for all of them, into "transparentInterceptors"',
  );
