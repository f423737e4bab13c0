import { HttpException, StreamableFile, type CallHandler } from '@nestjs/common';
import { lastValueFrom } from 'rxjs';
import type { LoaderContext } from '../core/loading';
import { responseStorable } from '../http/cacheability';
import { EncodedForms } from '../http/encoded-forms';
import { entityTag } from '../http/entity-tag';
import type { Representation } from '../http/representation';
import type { CacheRequest } from './cache-request';
import type { HttpResponse } from './http-response';
import type { CacheableOperation } from './operations';
import { WithHeaders } from './with-headers';

const OK = 200;
const JSON_TYPE = 'application/json; charset=utf-8';

/** One request to a `@Cacheable` handler. */
export interface Exchange {
  readonly operation: CacheableOperation;
  readonly request: CacheRequest;
  readonly response: HttpResponse;
  readonly next: CallHandler;
}

/** A result that has no bytes to keep: it goes to the one caller for whom the handler ran, as it is. */
export class NotRepresentable extends Error {
  constructor(
    readonly exchange: Exchange,
    readonly result: unknown,
  ) {
    super('the result of the handler cannot be cached');
  }
}

/**
 * Runs the handler and makes a representation of its result and of the headers that go with it.
 *
 * @throws NotRepresentable for streams and files
 */
export async function loadRepresentation(
  exchange: Exchange,
  loading: LoaderContext<Representation>,
): Promise<Representation> {
  const { operation, request, response, next } = exchange;
  try {
    const result: unknown = await lastValueFrom(next.handle(), { defaultValue: undefined });
    const answer = result instanceof WithHeaders ? result : new WithHeaders(result, {});
    if (isStream(answer.value)) throw new NotRepresentable(exchange, result);
    const declared = Object.entries(answer.headers).map(([name, value]) => [name.toLowerCase(), value]);
    const headers = { ...response.keepable(), ...(Object.fromEntries(declared) as Record<string, string>) };
    const sent = { ...response.changes(), ...headers };
    const storable = response.status === OK && responseStorable(sent, operation.vary);
    if (!storable || operation.unless(answer.value, request)) loading.doNotStore();
    return represent(answer.value, headers, response.changes()['content-type']);
  } catch (error) {
    if (!(error instanceof HttpException) || !operation.negativeStatuses.includes(error.getStatus())) throw error;
    return {
      status: error.getStatus(),
      headers: {},
      body: Buffer.from(error.message, 'utf8'),
      forms: new EncodedForms(),
    };
  }
}

function represent(value: unknown, headers: Record<string, string>, type: unknown): Representation {
  const isText = typeof value === 'string';
  const isBytes = Buffer.isBuffer(value);
  const body = isBytes ? value : Buffer.from(isText ? value : JSON.stringify(value ?? null), 'utf8');
  const usual = isBytes ? 'application/octet-stream' : isText ? 'text/plain; charset=utf-8' : JSON_TYPE;
  const contentType = headers['content-type'] ?? (typeof type === 'string' ? type : usual);
  return {
    status: OK,
    headers: { etag: entityTag(body), ...headers, 'content-type': contentType },
    body,
    forms: new EncodedForms(),
  };
}

function isStream(value: unknown): boolean {
  if (value instanceof StreamableFile) return true;
  return typeof value === 'object' && value !== null && 'pipe' in value && typeof value.pipe === 'function';
}
