import { HttpException } from '@nestjs/common';
import type { LoaderContext } from '../core/loading';
import type { KeyWarmer } from '../core/warming/warmer';
import { responseStorable } from '../http/cacheability';
import { EncodedForms } from '../http/encoded-forms';
import type { Representation } from '../http/representation';
import type { CacheRequest } from './cache-request';
import { operationsOf, type Class, type Handler } from './declarations';
import { fullKey } from './http-key';
import { describe, hasBytes, keptOf, represent, type Described } from './http-load';
import { WithHeaders } from './with-headers';

/** The request that a key stands for, and what the handler is called with for it. */
export interface WarmRequest {
  readonly params?: Readonly<Record<string, string>>;
  readonly query?: Readonly<Record<string, unknown>>;
  /** Arguments of the handler, as its pipes would make them. */
  readonly args: readonly unknown[];
}

/**
 * A way to load keys of a `@Cacheable` route without a request: calls the handler itself, past guards, pipes and
 * interceptors, and keeps what it returns as the route would. For handlers of scope `public` that say everything in
 * their result (`withHeaders`), not through the response object.
 *
 * @param requestOf reads a key of the route back; `undefined` for keys of other routes
 */
export function routeWarmer<C extends object>(
  controller: C,
  method: keyof C & string,
  requestOf: (key: string) => WarmRequest | undefined,
): KeyWarmer<Representation> {
  const handler = controller[method] as Handler;
  const operation = operationsOf(controller.constructor as Class, handler)?.cacheable;
  return (key) => {
    const asked = requestOf(key);
    if (operation === undefined || asked === undefined) return undefined;
    const request = requestFor(asked);
    const found = fullKey(operation, request, undefined);
    // A key that this request would not be kept under belongs to somebody: a user, a tenant, another version.
    if (!('key' in found) || found.key !== key) return undefined;
    const tags = (operation.tags as (request: CacheRequest) => readonly string[])(request);
    const call = (): unknown => Reflect.apply(handler, controller, asked.args);
    return { loader: (loading) => run({ operation, request }, call, loading), options: { ...operation.entry, tags } };
  };
}

async function run(
  described: Described,
  call: () => unknown,
  loading: LoaderContext<Representation>,
): Promise<Representation> {
  try {
    const result = await call();
    const answer = result instanceof WithHeaders ? result : new WithHeaders(result, {});
    if (!hasBytes(answer.value)) return nothing(loading, 204);
    const headers = keptOf(answer.headers);
    describe(described, answer.value, responseStorable(answer.headers, described.operation.vary), loading);
    return represent(answer.value, headers, undefined);
  } catch (error) {
    // Gone since it was hot: nobody waits for an answer that says so.
    if (error instanceof HttpException && error.getStatus() < 500) return nothing(loading, error.getStatus());
    throw error;
  }
}

function nothing(loading: LoaderContext<Representation>, status: number): Representation {
  loading.doNotStore();
  return { status, headers: {}, body: Buffer.alloc(0), forms: new EncodedForms() };
}

function requestFor({ params = {}, query = {} }: WarmRequest): CacheRequest {
  const request = { method: 'GET', params, query, headers: {}, body: undefined, user: undefined };
  return { ...request, original: request };
}
