import { Inject, Injectable, type CanActivate, type ExecutionContext } from '@nestjs/common';
import { CONFIG } from '../config/config.token';
import type { Config } from '../config/config';
import { AdminGuard } from './admin.guard';

/** `/metrics` is open unless `METRICS_PUBLIC=false`; then it needs what {@link AdminGuard} asks for. */
@Injectable()
export class MetricsGuard implements CanActivate {
  constructor(
    @Inject(CONFIG) private readonly config: Config,
    private readonly admin: AdminGuard,
  ) {}

  canActivate(context: ExecutionContext): boolean | Promise<boolean> {
    return this.config.METRICS_PUBLIC || this.admin.authorize(context);
  }
}
