import type { ExecutionContext } from '@nestjs/common';
import type { AbstractHttpAdapter } from '@nestjs/core';
import type { ServerResponse } from 'node:http';
import { DECISIVE_HEADERS, type HeaderBag } from '../http/cacheability';
import { isKeptHeader } from '../http/kept-headers';
import { given } from './given-answer';
import { hasCors } from './has-cors';
import { NEST } from './metadata';
import { bytesForExpress } from './http-answer';
import { jsonOf } from './serializing';
import type { Wording } from './http-load';
import { isForOneReader, listOf, setEach, varying, type Outgoing } from './outgoing';

interface RawResponse {
  readonly statusCode: number;
  getHeader(name: string): HeaderBag[string];
  getHeaders(): Record<string, string | string[] | number | undefined>;
}

/** The response of an HTTP handler; Fastify's reply and Express' response agree on what is used here. */
export class HttpResponse implements Outgoing, Wording {
  private readonly raw: RawResponse;
  private readonly handler: object;
  /** Headers that were there before the handler ran: of middleware, of guards, of `@Header`. */
  readonly before: HeaderBag;
  /** What the cache itself has written here. */
  private readonly own = new Map<string, string>();
  private readonly statusBefore: number;

  constructor(
    context: ExecutionContext,
    private readonly adapter: AbstractHttpAdapter,
  ) {
    this.raw = context.switchToHttp().getResponse<RawResponse>();
    this.handler = context.getHandler();
    this.before = snapshotOf(this.raw);
    this.statusBefore = this.raw.statusCode;
  }

  private sentStatus: number | undefined;

  /**
   * True once it is being answered from an entry. A handler that runs after that, in the background, finds a
   * response that shows what was sent, not what it sets itself.
   */
  get isAnswered(): boolean {
    return this.sentStatus !== undefined;
  }

  answered(status: number): void {
    this.sentStatus = status;
    if (this.raw.statusCode !== status) this.adapter.status(this.raw, status);
  }

  /** The status that the handler leaves. */
  get status(): number {
    return this.raw.statusCode === this.sentStatus ? this.statusBefore : this.raw.statusCode;
  }

  set status(status: number) {
    if (this.sentStatus !== undefined) this.sentStatus = status;
    this.adapter.status(this.raw, status);
  }

  /**
   * Resolves at once for an answer that waits for its handler. One that has been given from an entry is handed to its
   * connection first: what the handler does to the response in the background must not reach it. False where it has not
   * been given within a second.
   */
  async handedOver(): Promise<boolean> {
    await new Promise((resolve) => setImmediate(resolve));
    if (!this.isAnswered) return true;
    const outgoing = (this.raw as { raw?: ServerResponse }).raw ?? (this.raw as unknown as ServerResponse);
    if (!(await given(outgoing))) return false;
    outgoing.statusCode = this.statusBefore;
    if (this.adapter.getType() === 'fastify') return true;
    // Node refuses headers of a message that has left. The handler finds what it would have found in time.
    takeHeadersAside(outgoing, this.before);
    this.own.clear();
    this.sentStatus = undefined;
    return true;
  }

  get isPrivate(): boolean {
    return isForOneReader(this.raw.getHeader('cache-control'));
  }

  has(name: string): boolean {
    return this.raw.getHeader(name) !== undefined;
  }

  /** True for a header that the cache has written here. */
  wrote(name: string): boolean {
    return this.own.has(name);
  }

  set(name: string, value: string): void {
    this.own.set(name, value);
    this.adapter.setHeader(this.raw, name, value);
  }

  setAll(headers: Readonly<Record<string, string>>): void {
    setEach(this, headers);
  }

  vary(names: readonly string[]): void {
    if (names.length > 0) this.set('vary', varying(this.raw.getHeader('vary'), names));
  }

  get tellsLength(): boolean {
    return this.adapter.getType() === 'fastify';
  }

  /** What a handler has to return so that these bytes are sent. */
  body(bytes: Buffer, type: string): unknown {
    return this.adapter.getType() === 'fastify' ? bytes : bytesForExpress(bytes, type);
  }

  /**
   * What speaks for or against keeping the answer: what is on the response, whoever set it, but for what the cache
   * wrote. The `Vary: Origin` of a CORS layer is about a header that this layer sets anew each time.
   */
  judged(): HeaderBag {
    const judged: Record<string, HeaderBag[string]> = {};
    for (const name of DECISIVE_HEADERS) {
      const value = this.raw.getHeader(name);
      if (value !== undefined && this.own.get(name) !== value) judged[name] = value;
    }
    if (judged['vary'] !== undefined && this.isOfCors()) {
      const others = listOf(judged['vary']).filter((name) => name !== 'origin');
      judged['vary'] = others.join();
    }
    return judged;
  }

  /**
   * A `Vary: Origin` from before the handler, where no `@Header` says so and there is a CORS layer: it sets it on every
   * answer, also on one to a request that names no origin, and its own headers anew on each hit.
   */
  private isOfCors(): boolean {
    const declared = (Reflect.getMetadata(NEST.headers, this.handler) ?? []) as { name: string }[];
    if (!listOf(this.before['vary']).includes('origin')) return false;
    if (declared.some(({ name }) => name.toLowerCase() === 'vary')) return false;
    return this.before['access-control-allow-origin'] !== undefined || hasCors(this.adapter);
  }

  /** What each framework makes of a text. */
  get textType(): string {
    return `${this.adapter.getType() === 'fastify' ? 'text/plain' : 'text/html'}; charset=utf-8`;
  }

  /** JSON by the response schema of the route and serializers (Fastify), or by the settings of the application (Express). */
  serialize(value: unknown): string {
    return jsonOf(this.raw, value, this.status, this.contentType ?? 'application/json');
  }

  /** The type that was chosen for the body, before the handler or in it. */
  get contentType(): string | undefined {
    const type = this.raw.getHeader('content-type');
    return type === undefined ? undefined : String(type);
  }

  /**
   * Headers that the handler has set on the response and that belong to what it answers. On an answered response
   * only those that the entry had before (`known`) can be told from what others set while it was sent.
   */
  keepable(known: Readonly<Record<string, string>> = {}): Record<string, string> {
    const isSetHere = ([name, value]: [string, HeaderBag[string]]): boolean =>
      this.isAnswered
        ? known[name] !== undefined && (name !== 'etag' || this.own.get(name) !== value)
        : !isSame(this.before[name], value);
    const kept = Object.entries(snapshotOf(this.raw)).filter(isSetHere);
    const texts = kept.map(([name, value]) => [name, String(value)] as const);
    return Object.fromEntries(texts.filter(([name, value]) => name !== 'content-type' && isKeptHeader(name, value)));
  }
}

/** Names in lower case, lists copied: Fastify adds cookies to the very array it has handed out. */
function snapshotOf(raw: RawResponse): HeaderBag {
  const headers: Record<string, HeaderBag[string]> = {};
  const found = raw.getHeaders();
  for (const name of Object.keys(found)) {
    const value = found[name];
    headers[name.toLowerCase()] = Array.isArray(value) ? [...value] : value;
  }
  return headers;
}

const isSame = (a: HeaderBag[string], b: HeaderBag[string]): boolean => JSON.stringify(a) === JSON.stringify(b);

/** Makes the headers of a message that has left a mere note of what somebody sets on it. */
function takeHeadersAside(message: ServerResponse, before: HeaderBag): void {
  const headers = new Map(Object.entries(before));
  const at = (name: string): string => name.toLowerCase();
  message.setHeader = (name, value) => (headers.set(at(name), value as HeaderBag[string]), message);
  message.appendHeader = (name, value) => {
    headers.set(at(name), [headers.get(at(name)) ?? [], value].flat() as string[]);
    return message;
  };
  message.removeHeader = (name) => void headers.delete(at(name));
  message.hasHeader = (name) => headers.has(at(name));
  message.getHeader = (name) => headers.get(at(name));
  message.getHeaders = () => Object.fromEntries(headers);
}
