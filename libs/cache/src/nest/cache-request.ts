import type { ExecutionContext } from '@nestjs/common';
import type { HeaderBag } from '../http/cacheability';

/** What key and tag functions see of a request: raw input, before pipes have run. */
export interface CacheRequest {
  readonly method: string;
  readonly params: Readonly<Record<string, string>>;
  readonly query: Readonly<Record<string, unknown>>;
  readonly headers: HeaderBag;
  readonly body: unknown;
}

/** The request of an HTTP handler; Fastify and Express agree on these names. */
export function cacheRequest(context: ExecutionContext): CacheRequest {
  const { method, params, query, headers, body } = context.switchToHttp().getRequest<CacheRequest>();
  return { method, params, query, headers, body };
}
