import { Injectable, type CallHandler, type ExecutionContext, type NestInterceptor } from '@nestjs/common';
import { from, lastValueFrom, map, type Observable } from 'rxjs';
import { responseStorable } from '../http/cacheability';
import type { Representation } from '../http/representation';
import { HttpAdapterHost } from '@nestjs/core';
import { CacheBackend } from './cache-backend';
import { cacheRequest } from './cache-request';
import { versionedKey } from './composed-key';
import { operationsOf } from './declarations';
import { hasBytes, represent } from './http-load';
import { HttpResponse } from './http-response';
import type { CachePutOperation } from './operations';
import { isLeftOut, learntBy } from './put-rules';
import { untouched } from './touched';
import { unwrapped, WithHeaders } from './with-headers';

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
    const response = new HttpResponse(context, this.host.httpAdapter);
    const result =
      operations.isOff || !this.backend.enabled ? next.handle() : from(this.putting(context, operations.put, next));
    // A result with tags of its own is for `@CacheEvict`, where there is one around this.
    const isTouchedWanted = operations.evict.length > 0 && !operations.isOff;
    return result.pipe(map((value) => unwrapped(isTouchedWanted ? value : untouched(value), response)));
  }

  private async putting(
    context: ExecutionContext,
    [put, ...further]: readonly CachePutOperation[],
    next: CallHandler,
  ): Promise<unknown> {
    if (put === undefined) return lastValueFrom(next.handle(), { defaultValue: undefined });
    const request = cacheRequest(context);
    if (!(put.condition as Apply<boolean>)(request)) return this.putting(context, further, next);
    const key = versionedKey((put.key as Apply<string | undefined>)(request), put.version);
    if (key === undefined) return this.putting(context, further, next);
    const response = new HttpResponse(context, this.host.httpAdapter);
    let result: unknown;
    let value: unknown;
    const produce = async () => {
      result = await this.putting(context, further, next);
      value = plain(result);
      const isKept = hasBytes(value) && WRITTEN.has(response.status) && responseStorable(response.judged());
      // What belongs to the answer of a write (`Location`, its `ETag`) does not belong to that of a read.
      return isKept && !isLeftOut(put, value, request) ? represent(value, {}, response) : undefined;
    };
    const cache = this.backend.httpCache(put.cache);
    const learn = () => learntBy(put, value, [request]);
    const { deferred } = await cache.put(key, produce as () => Promise<Representation>, put.entry, learn);
    if (deferred) response.set('cache-invalidation', 'deferred');
    return result;
  }
}

/** Statuses of a write that answers with what it has written. */
const WRITTEN = new Set([200, 201]);

function plain(result: unknown): unknown {
  const value = untouched(result);
  return value instanceof WithHeaders ? value.value : value;
}
