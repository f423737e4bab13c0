import { Injectable, Logger, type CallHandler, type ExecutionContext, type NestInterceptor } from '@nestjs/common';
import { HttpAdapterHost } from '@nestjs/core';
import { lastValueFrom, map, Observable } from 'rxjs';
import { cacheGroupInvalidation } from '../http/cache-groups';
import { CacheBackend } from './cache-backend';
import { cacheRequest } from './cache-request';
import { operationsOf } from './declarations';
import { applying, evict } from './evict';
import type { CacheEvictOperation } from './operations';
import { HttpResponse } from './http-response';
import { Touched, untouched } from './touched';
import { unwrapped, WithHeaders } from './with-headers';

interface EvictCall {
  readonly context: ExecutionContext;
  /** What its functions are given. */
  readonly inputs: readonly unknown[];
}

/** Invalidates what a `@CacheEvict` handler has changed, before its answer leaves. */
@Injectable()
export class CacheEvictInterceptor implements NestInterceptor {
  private readonly logger = new Logger('CacheEvict');

  constructor(
    private readonly backend: CacheBackend,
    private readonly host: HttpAdapterHost,
  ) {}

  intercept(context: ExecutionContext, next: CallHandler): Observable<unknown> {
    const operations = operationsOf(context.getClass(), context.getHandler());
    if (operations === undefined) return next.handle();
    if (operations.isOff) return next.handle().pipe(map(untouched));
    const inputs = inputsOf(context);
    const all = applying(operations.evict, inputs);
    const first = all.filter(({ beforeInvocation }) => beforeInvocation);
    const last = all.filter(({ beforeInvocation }) => !beforeInvocation);
    // Begun when somebody subscribes: who stops waiting (a timeout) does not stop the write, and must not stop what
    // follows from it, nor keep anybody from learning that it has failed.
    return new Observable((caller) => {
      const failed = (error: unknown): void =>
        caller.closed
          ? this.logger.error(`${operations.evict[0]!.where} ${UNSEEN}`, stackOf(error))
          : caller.error(error);
      this.run({ context, inputs }, first, last, next).then((answer) => {
        caller.next(answer);
        caller.complete();
      }, failed);
    });
  }

  private async run(
    call: EvictCall,
    first: readonly CacheEvictOperation[],
    last: readonly CacheEvictOperation[],
    next: CallHandler,
  ): Promise<unknown> {
    await this.evict(call, first, undefined);
    const result: unknown = await lastValueFrom(next.handle(), { defaultValue: undefined });
    // Tags that only the handler could know must be invalidated also where all others were before.
    const isTouched = result instanceof Touched;
    await this.evict(call, last.length === 0 && isTouched ? first.slice(0, 1) : last, result);
    const value = untouched(result);
    if (!(value instanceof WithHeaders)) return value;
    if (!isHttp(call.context)) return value.value as unknown;
    return unwrapped(value, new HttpResponse(call.context, this.host.httpAdapter));
  }

  private async evict(
    { context, inputs }: EvictCall,
    operations: readonly CacheEvictOperation[],
    result: unknown,
  ): Promise<void> {
    if (operations.length === 0) return;
    const { backend } = this;
    const call = { result, inputs, cacheOf: (name?: string) => backend.httpCache(name) };
    const evicted = await Promise.all(operations.map((operation) => evict(backend, operation, call)));
    if (!isHttp(context)) return;
    const response = context.switchToHttp().getResponse<object>();
    const groups = cacheGroupInvalidation([...new Set(evicted.flatMap(({ tags }) => tags))]);
    if (groups !== undefined) this.host.httpAdapter.setHeader(response, 'cache-group-invalidation', groups);
    if (evicted.some(({ deferred }) => deferred)) {
      this.host.httpAdapter.setHeader(response, 'cache-invalidation', 'deferred');
    }
  }
}

const isHttp = (context: ExecutionContext): boolean => context.getType() === 'http';

/** A handler that is called by another way than HTTP has no request: its functions are given what it is given. */
const inputsOf = (context: ExecutionContext): readonly unknown[] =>
  isHttp(context) ? [cacheRequest(context)] : context.getArgs();

const UNSEEN = 'has failed, or what it has changed could not be told, after its caller had stopped waiting';

const stackOf = (error: unknown): string => (error instanceof Error ? (error.stack ?? error.message) : String(error));
