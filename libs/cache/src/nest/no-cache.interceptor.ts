import { Injectable, type CallHandler, type ExecutionContext, type NestInterceptor } from '@nestjs/common';
import { HttpAdapterHost } from '@nestjs/core';
import type { Observable } from 'rxjs';

/** Says of the answers of `@NoCache` handlers that nobody may keep them. */
@Injectable()
export class NoCacheInterceptor implements NestInterceptor {
  constructor(private readonly host: HttpAdapterHost) {}

  intercept(context: ExecutionContext, next: CallHandler): Observable<unknown> {
    if (context.getType() === 'http') {
      const response = context.switchToHttp().getResponse<object>();
      this.host.httpAdapter.setHeader(response, 'cache-control', 'no-store');
    }
    return next.handle();
  }
}
