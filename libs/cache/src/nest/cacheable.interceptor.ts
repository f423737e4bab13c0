import {
  HttpException,
  Injectable,
  type CallHandler,
  type ExecutionContext,
  type NestInterceptor,
} from '@nestjs/common';
import { HttpAdapterHost, Reflector } from '@nestjs/core';
import { from, lastValueFrom, type Observable } from 'rxjs';
import type { LoaderContext } from '../core/loading';
import type { ReadResult } from '../core/read-result';
import type { TieredCache } from '../core/tiered-cache';
import { cacheStatus, type CacheOutcome } from '../http/cache-status';
import { requestBypass, responseStorable } from '../http/cacheability';
import type { Representation } from '../http/representation';
import { CacheBackend } from './cache-backend';
import { cacheRequest, type CacheRequest } from './cache-request';
import { CACHEABLE_METADATA } from './metadata';
import type { CacheableOperation } from './operations';
import { representationSerializer } from './representation-serializer';
import { RequestStats } from './request-stats';

/** Answers a `@Cacheable` handler from the cache: stored bytes, stored headers. */
@Injectable()
export class CacheableInterceptor implements NestInterceptor {
  constructor(
    private readonly reflector: Reflector,
    private readonly backend: CacheBackend,
    private readonly stats: RequestStats,
    private readonly host: HttpAdapterHost,
  ) {}

  intercept(context: ExecutionContext, next: CallHandler): Observable<unknown> {
    const operation = this.reflector.get<CacheableOperation | undefined>(CACHEABLE_METADATA, context.getHandler());
    if (operation === undefined || context.getType() !== 'http') return next.handle();
    const request = cacheRequest(context);
    const bypass = this.bypassReason(operation, request);
    const key = bypass === undefined ? operation.key(request) : undefined;
    if (key === undefined) {
      this.announce(context, {
        kind: 'forward',
        reason: 'bypass',
        stored: false,
        collapsed: false,
        detail: bypass ?? 'no-key',
      });
      return next.handle();
    }
    return from(this.serve(context, next, operation, request, key));
  }

  private async serve(
    context: ExecutionContext,
    next: CallHandler,
    operation: CacheableOperation,
    request: CacheRequest,
    key: string,
  ): Promise<Buffer> {
    const startedAt = performance.now();
    const cache = this.cacheOf(operation);
    const result = await cache.fetch(key, (loading) => this.load(context, next, operation, loading), {
      ...operation.entry,
      tags: operation.tags(request),
    });
    this.stats.record(result.source !== 'load', performance.now() - startedAt);
    this.announce(context, outcomeOf(result));
    return this.send(context, result.value!);
  }

  private cacheOf(operation: CacheableOperation): TieredCache<Representation> {
    return this.backend.cache<Representation>(operation.cache, {
      serializer: representationSerializer,
      isNegative: (representation) => representation.status >= 400,
    });
  }

  /** Runs the handler and keeps what it set on the response, so that others get it too. */
  private async load(
    context: ExecutionContext,
    next: CallHandler,
    operation: CacheableOperation,
    loading: LoaderContext<Representation>,
  ): Promise<Representation> {
    const before = this.headersOf(context);
    try {
      const value: unknown = await lastValueFrom(next.handle(), { defaultValue: undefined });
      const headers = changed(before, this.headersOf(context));
      if (!responseStorable(headers)) loading.doNotStore();
      const body = Buffer.from(JSON.stringify(value ?? null), 'utf8');
      return { status: 200, headers: textual(headers), body };
    } catch (error) {
      if (!(error instanceof HttpException) || !operation.negativeStatuses.includes(error.getStatus())) throw error;
      return { status: error.getStatus(), headers: {}, body: Buffer.from(error.message, 'utf8') };
    }
  }

  private send(context: ExecutionContext, representation: Representation): Buffer {
    // A negative entry holds the message alone: the exception filter of the app words the answer anew,
    // with the request id of this request.
    if (representation.status >= 400) {
      throw new HttpException(representation.body.toString('utf8'), representation.status);
    }
    const response = context.switchToHttp().getResponse<object>();
    const { httpAdapter } = this.host;
    for (const [name, value] of Object.entries(representation.headers)) httpAdapter.setHeader(response, name, value);
    httpAdapter.setHeader(response, 'content-type', 'application/json; charset=utf-8');
    return representation.body;
  }

  private bypassReason(operation: CacheableOperation, request: CacheRequest): string | undefined {
    if (!this.backend.enabled) return 'disabled';
    return requestBypass(request.method, request.headers, operation.isPublic);
  }

  private announce(context: ExecutionContext, outcome: CacheOutcome): void {
    const response = context.switchToHttp().getResponse<object>();
    this.host.httpAdapter.setHeader(response, 'cache-status', cacheStatus(outcome));
  }

  private headersOf(context: ExecutionContext): Record<string, string | string[] | number | undefined> {
    const response = context.switchToHttp().getResponse<{ getHeaders(): Record<string, string> }>();
    return { ...response.getHeaders() };
  }
}

function outcomeOf(result: ReadResult<Representation>): CacheOutcome {
  if (result.source === 'load') {
    const reason = result.missReason === 'absent' || result.missReason === undefined ? 'uri-miss' : 'stale';
    return { kind: 'forward', reason, stored: result.stored, collapsed: result.collapsed };
  }
  const ttlSeconds = Math.floor((result.entry!.freshUntil - Date.now()) / 1_000);
  const detail = result.stale === undefined ? result.source : `${result.source}-stale-${result.stale}`;
  return { kind: 'hit', ttlSeconds, detail };
}

type Headers = Record<string, string | string[] | number | undefined>;

function changed(before: Headers, after: Headers): Headers {
  return Object.fromEntries(Object.entries(after).filter(([name, value]) => before[name] !== value));
}

function textual(headers: Headers): Record<string, string> {
  return Object.fromEntries(Object.entries(headers).map(([name, value]) => [name.toLowerCase(), String(value)]));
}
