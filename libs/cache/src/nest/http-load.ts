import { HttpException, ServiceUnavailableException, StreamableFile, type CallHandler } from '@nestjs/common';
import { lastValueFrom } from 'rxjs';
import { isTag } from '../core/coherence/tags';
import type { Duration } from '../core/duration';
import type { LoaderContext } from '../core/loader-context';
import { responseStorable } from '../http/cacheability';
import { EncodedForms } from '../http/encoded-forms';
import { entityTag } from '../http/entity-tag';
import { isKeptHeader } from '../http/kept-headers';
import type { Representation } from '../http/representation';
import type { CacheRequest } from './cache-request';
import type { HttpResponse } from './http-response';
import type { Operations } from './declarations';
import { representError } from './kept-error';
import { streamKind } from './streams';
import { ttlFrom } from './ttl-of';
import { WithHeaders } from './with-headers';

const OK = 200;
const JSON_TYPE = 'application/json; charset=utf-8';

/** The functions of an operation, as they are for a handler: its one input is the request. */
interface HttpFunctions {
  readonly unless: (result: unknown, request: CacheRequest) => boolean;
  readonly resultTags: (result: unknown, request: CacheRequest) => readonly string[];
  readonly ttlOf: ((result: unknown, request: CacheRequest) => Duration) | undefined;
}

/** What is asked for: the declaration of the handler, and the request. */
export interface Described {
  readonly operation: NonNullable<Operations['cacheable']>;
  readonly request: CacheRequest;
}

/** One request to a `@Cacheable` handler. */
export interface Exchange extends Described {
  readonly response: HttpResponse;
  readonly next: CallHandler;
}

/**
 * An outcome that belongs to the one exchange whose handler ran: a result that has no bytes to keep, or an error
 * that is about this request. Others who waited for it run the handler for themselves.
 */
export class ForOneOnly extends Error {
  constructor(
    readonly exchange: Exchange,
    readonly outcome: { readonly result: unknown; readonly isStream: boolean } | { readonly error: HttpException },
  ) {
    super('an outcome for its own request only');
  }
}

/**
 * Runs the handler and makes a representation of its result and of the headers that go with it.
 *
 * @throws ForOneOnly for streams, files and nothing at all, and for errors below 500 that are not kept
 */
export async function loadRepresentation(
  exchange: Exchange,
  loading: LoaderContext<Representation>,
): Promise<Representation> {
  const { operation, response, next } = exchange;
  // Who has joined meanwhile runs the handler for himself.
  if (loading.stale !== undefined && !(await response.handedOver())) throw new ForOneOnly(exchange, { error: held() });
  try {
    const result: unknown = await lastValueFrom(next.handle(), { defaultValue: undefined });
    const answer = result instanceof WithHeaders ? result : new WithHeaders(result, {});
    if (!hasBytes(answer.value)) throw new ForOneOnly(exchange, { result, isStream: answer.value != null });
    const declared = inLowerCase(answer.headers);
    const judged = { ...response.judged(), ...declared };
    const isStorable = response.status === OK && responseStorable(judged, operation.vary);
    describe(exchange, answer.value, isStorable, loading);
    // A cookie goes to its own caller, whose answer is not kept.
    const cookie = declared['set-cookie'];
    if (cookie !== undefined && !response.isAnswered) response.set('set-cookie', cookie);
    const headers = { ...response.keepable(loading.stale?.headers), ...keptOf(declared) };
    return represent(answer.value, headers, response);
  } catch (error) {
    if (!(error instanceof HttpException) || error.getStatus() >= 500) return negative(exchange, error);
    if (!isKeptError(exchange, error)) throw new ForOneOnly(exchange, { error });
    return negative(exchange, error);
  }
}

const held = (): HttpException => new ServiceUnavailableException('the answer from the cache has not been given');

/** What the operation says of a result that is there: whether it is kept, for how long, under which tags. */
export function describe(
  { operation, request }: Described,
  result: unknown,
  isStorable: boolean,
  loading: LoaderContext<Representation>,
): void {
  const { unless, ttlOf, resultTags } = operation as unknown as HttpFunctions;
  if (!isStorable || unless(result, request)) return loading.doNotStore();
  const tags = resultTags(result, request);
  if (!tags.every(isTag)) return loading.doNotStore();
  loading.addTags(...tags);
  const ttl = ttlFrom(ttlOf?.(result, request), operation.where);
  if (ttl !== undefined) loading.setOptions({ ttl });
}

function negative(exchange: Exchange, error: unknown): Representation {
  if (!(error instanceof HttpException) || !isKeptError(exchange, error)) throw error;
  return representError(error);
}

function isKeptError({ operation, response }: Exchange, error: HttpException): boolean {
  return operation.negativeStatuses.includes(error.getStatus()) && responseStorable(response.judged(), operation.vary);
}

/** How a framework words what a handler returns: what is kept must not differ from what it would have sent. */
export interface Wording {
  /** The type that was chosen for the body, before the handler or in it. */
  readonly contentType: string | undefined;
  /** That of a text for which none was chosen. */
  readonly textType: string;
  /** JSON of an object, as schemas and settings of the framework make it. */
  serialize(value: unknown): string;
}

/** What is kept of a value that {@link hasBytes}. */
export function represent(value: unknown, headers: Record<string, string>, wording: Wording): Representation {
  const isText = typeof value === 'string';
  const isBytes = Buffer.isBuffer(value);
  const body = isBytes ? value : Buffer.from(isText ? value : wording.serialize(value), 'utf8');
  const usual = isBytes ? 'application/octet-stream' : isText ? wording.textType : JSON_TYPE;
  const type = wording.contentType;
  return {
    status: OK,
    headers: { etag: entityTag(body), ...headers, 'content-type': headers['content-type'] ?? type ?? usual },
    body,
    forms: new EncodedForms(),
  };
}

/** False for what framework or Nest send in a way of their own: nothing, a stream, a file, an answer of the web, bytes but those of Node. */
export function hasBytes(value: unknown): boolean {
  if (value == null || value instanceof StreamableFile) return false;
  if (typeof value !== 'object' || Buffer.isBuffer(value)) return true;
  return !ArrayBuffer.isView(value) && streamKind(value) === undefined;
}

/** Of declared headers, names {@link inLowerCase}, those that are kept with the entry. */
export function keptOf(declared: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(Object.entries(declared).filter(([name, value]) => isKeptHeader(name, value)));
}

/** Without what would break the framing of the message, whoever declares it. */
export function inLowerCase(headers: Readonly<Record<string, string>>): Record<string, string> {
  const entries = Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value] as const);
  return Object.fromEntries(entries.filter(([name, value]) => name === 'set-cookie' || isKeptHeader(name, value)));
}
