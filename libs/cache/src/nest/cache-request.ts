import type { ExecutionContext } from '@nestjs/common';
import type { HeaderBag } from '../http/cacheability';

/** What key and tag functions see of a request: raw input, before pipes have run. */
export interface CacheRequest {
  readonly method: string;
  readonly params: Readonly<Record<string, string>>;
  readonly query: Readonly<Record<string, unknown>>;
  readonly headers: HeaderBag;
  readonly body: unknown;
  /** What a guard or middleware has put on the request as `user`: who has been verified. */
  readonly user: unknown;
  /** The request of the adapter, for whatever else guards and middleware have left there. */
  readonly original: object;
}

/** The request of an HTTP handler; Fastify and Express agree on these names. */
export function cacheRequest(context: ExecutionContext): CacheRequest {
  const original = context.switchToHttp().getRequest<CacheRequest & { readonly raw?: { readonly user?: unknown } }>();
  const { method, params, query, headers, body } = original;
  // Middleware sees the message of Node, which Fastify keeps inside its request.
  const user = isSomebody(original.user) ? original.user : (original.raw?.user ?? original.user);
  return { method, params, query, headers, body, user, original };
}

/** Guards leave `false` or `null` for nobody, as Passport's optional ones do. */
export const isSomebody = (user: unknown): boolean => user !== undefined && user !== null && user !== false;
