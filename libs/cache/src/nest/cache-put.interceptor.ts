import { Injectable, type CallHandler, type ExecutionContext, type NestInterceptor } from '@nestjs/common';
import { from, lastValueFrom, type Observable } from 'rxjs';
import { responseStorable } from '../http/cacheability';
import { EncodedForms } from '../http/encoded-forms';
import { HttpAdapterHost } from '@nestjs/core';
import { CacheBackend } from './cache-backend';
import { cacheRequest, type CacheRequest } from './cache-request';
import { versionedKey } from './composed-key';
import { operationsOf } from './declarations';
import { hasBytes, represent } from './http-load';
import { HttpResponse } from './http-response';
import type { CachePutOperation } from './operations';
import { Touched } from './touched';
import { WithHeaders } from './with-headers';

type Apply<R> = (...given: unknown[]) => R;

/**
 * Keeps what a `@CachePut` handler answers as the answer of the route that reads it, unless another write may have
 * come between. The answer itself leaves as it would without the cache.
 */
@Injectable()
export class CachePutInterceptor implements NestInterceptor {
  constructor(
    private readonly backend: CacheBackend,
    private readonly host: HttpAdapterHost,
  ) {}

  intercept(context: ExecutionContext, next: CallHandler): Observable<unknown> {
    const operations = operationsOf(context.getClass(), context.getHandler());
    if (context.getType() !== 'http' || operations === undefined || operations.put.length === 0) return next.handle();
    if (operations.isOff || !this.backend.enabled) return next.handle();
    return from(this.putting(context, operations.put, next));
  }

  private async putting(
    context: ExecutionContext,
    [put, ...further]: readonly CachePutOperation[],
    next: CallHandler,
  ): Promise<unknown> {
    if (put === undefined) return lastValueFrom(next.handle(), { defaultValue: undefined });
    const request = cacheRequest(context);
    const key = versionedKey((put.key as (request: CacheRequest) => string | undefined)(request), put.version);
    const condition = put.condition as Apply<boolean>;
    if (key === undefined || !condition(request)) return this.putting(context, further, next);
    const response = new HttpResponse(context, this.host.httpAdapter);
    let result: unknown;
    let value: unknown;
    const produce = async () => {
      result = await this.putting(context, further, next);
      value = plain(result);
      const isKept =
        hasBytes(value) && responseStorable(response.judged()) && !(put.unless as Apply<boolean>)(value, request);
      // What belongs to the answer of a write (`Location`, `ETag` of another form) does not belong to that of a read.
      return isKept ? represent(value, {}, undefined) : NOT_KEPT;
    };
    const cache = this.backend.httpCache(put.cache);
    const ttl = put.ttlOf as Apply<number | string> | undefined;
    const { deferred } = await cache.put(key, produce, put.entry, (representation) => ({
      tags: (put.tags as Apply<readonly string[]>)(value, request),
      ...(ttl === undefined ? {} : { ttl: ttl(value, request) }),
      ...(representation === NOT_KEPT ? { ttl: 0 } : {}),
    }));
    if (deferred) response.set('cache-invalidation', 'deferred');
    return result;
  }
}

/** Stands for "evict, and keep nothing". */
const NOT_KEPT = { status: 200, headers: {}, body: Buffer.alloc(0), forms: new EncodedForms() };

function plain(result: unknown): unknown {
  const value: unknown = result instanceof Touched ? result.value : result;
  return value instanceof WithHeaders ? value.value : value;
}
