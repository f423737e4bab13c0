import { Injectable, type CallHandler, type ExecutionContext, type NestInterceptor } from '@nestjs/common';
import { HttpAdapterHost, Reflector } from '@nestjs/core';
import { concatMap, type Observable } from 'rxjs';
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
    return next.handle().pipe(
      concatMap(async (result: unknown) => {
        const value = result instanceof Touched ? (result.value as unknown) : result;
        if (this.backend.enabled) await this.evict(context, operation, result, value);
        return value;
      }),
    );
  }

  private async evict(
    context: ExecutionContext,
    operation: CacheEvictOperation,
    result: unknown,
    value: unknown,
  ): Promise<void> {
    const tags = [...operation.tags(cacheRequest(context), value), ...(result instanceof Touched ? result.tags : [])];
    if (!operation.allEntries && tags.length === 0) return;
    const { strata } = this.backend;
    const { deferred } = operation.allEntries ? await strata.clear() : await strata.invalidateTags(tags);
    if (!deferred) return;
    this.host.httpAdapter.setHeader(context.switchToHttp().getResponse<object>(), 'cache-invalidation', 'deferred');
  }
}
