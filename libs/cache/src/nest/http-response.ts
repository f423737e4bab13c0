import type { ExecutionContext } from '@nestjs/common';
import type { AbstractHttpAdapter } from '@nestjs/core';
import type { HeaderBag } from '../http/cacheability';
import { bytesForExpress } from './http-answer';

interface RawResponse {
  readonly statusCode: number;
  getHeaders(): Record<string, string | string[] | number | undefined>;
}

/** Headers that belong to one answer, not to what is answered: never kept. */
const OWN_HEADERS = new Set([
  'cache-status',
  'content-type',
  'content-length',
  'set-cookie',
  'date',
  'connection',
  'keep-alive',
  'transfer-encoding',
  'x-request-id',
]);

/** The response of an HTTP handler; Fastify's reply and Express' response agree on what is used here. */
export class HttpResponse {
  private readonly raw: RawResponse;
  /** Headers that were there before the handler ran. */
  private readonly before: HeaderBag;

  constructor(
    context: ExecutionContext,
    private readonly adapter: AbstractHttpAdapter,
  ) {
    this.raw = context.switchToHttp().getResponse<RawResponse>();
    this.before = { ...this.raw.getHeaders() };
  }

  get status(): number {
    return this.raw.statusCode;
  }

  set status(status: number) {
    this.adapter.status(this.raw, status);
  }

  has(name: string): boolean {
    return this.raw.getHeaders()[name] !== undefined;
  }

  set(name: string, value: string): void {
    this.adapter.setHeader(this.raw, name, value);
  }

  setAll(headers: Readonly<Record<string, string>>): void {
    for (const [name, value] of Object.entries(headers)) this.set(name, value);
  }

  /** Adds to what a `Vary` set before says. */
  vary(names: readonly string[]): void {
    const there = String(this.raw.getHeaders()['vary'] ?? '')
      .split(',')
      .map((name) => name.trim().toLowerCase());
    this.set('vary', [...new Set([...there.filter((name) => name !== ''), ...names])].join(', '));
  }

  /** What a handler has to return so that these bytes are sent. */
  body(bytes: Buffer, type: string): unknown {
    return this.adapter.getType() === 'fastify' ? bytes : bytesForExpress(bytes, type);
  }

  /** What the handler has set on the response, names in lower case. */
  changes(): HeaderBag {
    const entries = Object.entries(this.raw.getHeaders()).map(([name, value]) => [name.toLowerCase(), value] as const);
    return Object.fromEntries(entries.filter(([name, value]) => this.before[name] !== value));
  }

  /** {@link changes} as far as they may be sent again with the same answer. */
  keepable(): Record<string, string> {
    const entries = Object.entries(this.changes()).filter(([name]) => !OWN_HEADERS.has(name));
    return Object.fromEntries(entries.map(([name, value]) => [name, String(value)]));
  }
}
