import { Global, Module } from '@nestjs/common';
import { AdminGuard } from './admin.guard';
import { MetricsGuard } from './metrics.guard';
import { WriteLimiter } from './write-limiter';

@Global()
@Module({ providers: [WriteLimiter, AdminGuard, MetricsGuard], exports: [WriteLimiter, AdminGuard, MetricsGuard] })
export class SecurityModule {}
