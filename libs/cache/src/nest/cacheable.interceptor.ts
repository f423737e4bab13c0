import {
  HttpException,
  Injectable,
  type CallHandler,
  type ExecutionContext,
  type NestInterceptor,
} from '@nestjs/common';
import { HttpAdapterHost, Reflector } from '@nestjs/core';
import { from, lastValueFrom, map, type Observable } from 'rxjs';
import type { LoaderContext } from '../core/loading';
import type { ReadResult } from '../core/read-result';
import { cacheStatus, type CacheOutcome } from '../http/cache-status';
import { requestBypass, responseStorable } from '../http/cacheability';
import type { Representation } from '../http/representation';
import { CacheBackend } from './cache-backend';
import { cacheRequest, type CacheRequest } from './cache-request';
import { HttpResponse } from './http-response';
import { CACHEABLE_METADATA } from './metadata';
import type { CacheableOperation } from './operations';
import { RequestStats } from './request-stats';
import { WithHeaders } from './with-headers';

const OK = 200;

/** One request to a `@Cacheable` handler. */
interface Exchange {
  readonly operation: CacheableOperation;
  readonly request: CacheRequest;
  readonly response: HttpResponse;
  readonly next: CallHandler;
}

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
    const response = new HttpResponse(context, this.host.httpAdapter);
    const exchange = { operation, request: cacheRequest(context), response, next };
    const bypass = this.bypassReason(exchange);
    const key = bypass === undefined ? operation.key(exchange.request) : undefined;
    return key === undefined ? this.pass(exchange, bypass ?? 'no-key') : from(this.serve(exchange, key));
  }

  /** Runs the handler as if the cache were not there, but for the header that says so. */
  private pass({ response, next }: Exchange, detail: string): Observable<unknown> {
    const outcome = { kind: 'forward', reason: 'bypass', stored: false, collapsed: false, detail } as const;
    response.set('cache-status', cacheStatus(outcome));
    return next.handle().pipe(
      map((result: unknown) => {
        if (!(result instanceof WithHeaders)) return result;
        response.setAll(result.headers);
        return result.value as unknown;
      }),
    );
  }

  private async serve(exchange: Exchange, key: string): Promise<Buffer> {
    const { operation, request, response } = exchange;
    const startedAt = performance.now();
    const cache = this.backend.httpCache(operation.cache);
    const options = { ...operation.entry, tags: operation.tags(request) };
    const result = await cache
      .fetch(key, (loading) => this.load(exchange, loading), options)
      .catch((error: unknown) => {
        const outcome = { kind: 'forward', reason: 'uri-miss', stored: false, collapsed: false } as const;
        response.set('cache-status', cacheStatus(outcome));
        throw error;
      });
    this.stats.record(result.source !== 'load', performance.now() - startedAt);
    response.set('cache-status', cacheStatus(outcomeOf(result)));
    return this.send(response, result.value!);
  }

  /** Runs the handler and makes a representation of its result and of the headers that go with it. */
  private async load(exchange: Exchange, loading: LoaderContext<Representation>): Promise<Representation> {
    const { operation, response, next } = exchange;
    try {
      const result: unknown = await lastValueFrom(next.handle(), { defaultValue: undefined });
      const answer = result instanceof WithHeaders ? result : new WithHeaders(result, {});
      const declared = Object.entries(answer.headers).map(([name, value]) => [name.toLowerCase(), value]);
      const headers = { ...response.keepable(), ...(Object.fromEntries(declared) as Record<string, string>) };
      if (response.status !== OK || !responseStorable({ ...response.changes(), ...headers })) loading.doNotStore();
      return { status: OK, headers, body: Buffer.from(JSON.stringify(answer.value ?? null), 'utf8') };
    } catch (error) {
      if (!(error instanceof HttpException) || !operation.negativeStatuses.includes(error.getStatus())) throw error;
      return { status: error.getStatus(), headers: {}, body: Buffer.from(error.message, 'utf8') };
    }
  }

  private send(response: HttpResponse, representation: Representation): Buffer {
    // A negative entry holds the message alone: the exception filter of the app words the answer anew,
    // with the request id of this request.
    if (representation.status !== OK) {
      throw new HttpException(representation.body.toString('utf8'), representation.status);
    }
    response.setAll(representation.headers);
    response.set('content-type', 'application/json; charset=utf-8');
    return representation.body;
  }

  private bypassReason({ operation, request }: Exchange): string | undefined {
    if (!this.backend.enabled) return 'disabled';
    return requestBypass(request.method, request.headers, operation.isPublic);
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
