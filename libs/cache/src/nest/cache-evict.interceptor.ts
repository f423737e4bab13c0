import { Injectable, type CallHandler, type ExecutionContext, type NestInterceptor } from '@nestjs/common';
import { HttpAdapterHost, Reflector } from '@nestjs/core';
import { concatMap, defer, type Observable } from 'rxjs';
import { cacheGroupInvalidation } from '../http/cache-groups';
import { CacheBackend } from './cache-backend';
import { cacheRequest } from './cache-request';
import { CACHE_EVICT_METADATA } from './metadata';
import type { CacheEvictOperation } from './operations';
import { Touched } from './touched';

/** Invalidates what a `@CacheEvict` handler has changed, before its answer leaves. */
@Injectable()
export class CacheEvictInterceptor implements NestInterceptor {
  constructor(
    private readonly reflector: Reflector,
    private readonly backend: CacheBackend,
    private readonly host: HttpAdapterHost,
  ) {}

  intercept(context: ExecutionContext, next: CallHandler): Observable<unknown> {
    const operation = this.reflector.get<CacheEvictOperation | undefined>(CACHE_EVICT_METADATA, context.getHandler());
    if (operation === undefined || context.getType() !== 'http') return next.handle();
    const before = defer(async () => {
      if (operation.beforeInvocation) await this.evict(context, operation, undefined);
    });
    return before.pipe(
      concatMap(() => next.handle()),
      concatMap(async (result: unknown) => {
        if (!operation.beforeInvocation || result instanceof Touched) await this.evict(context, operation, result);
        return result instanceof Touched ? (result.value as unknown) : result;
      }),
    );
  }

  private async evict(context: ExecutionContext, operation: CacheEvictOperation, result: unknown): Promise<void> {
    if (!this.backend.enabled) return;
    const [value, learnt] = result instanceof Touched ? [result.value as unknown, result.tags] : [result, []];
    const tags = [...operation.tags(cacheRequest(context), value), ...learnt];
    if (!operation.allEntries && tags.length === 0) return;
    const { strata } = this.backend;
    const { deferred } = operation.allEntries ? await strata.clear() : await strata.invalidateTags(tags);
    const response = context.switchToHttp().getResponse<object>();
    const groups = cacheGroupInvalidation([...new Set(tags)]);
    if (groups !== undefined) this.host.httpAdapter.setHeader(response, 'cache-group-invalidation', groups);
    if (deferred) this.host.httpAdapter.setHeader(response, 'cache-invalidation', 'deferred');
  }
}
