import { Module, type DynamicModule } from '@nestjs/common';
import { TypeOrmModule } from '@nestjs/typeorm';
import { CacheModule } from '@strata/cache';
import { MetricsModule } from '@strata/metrics';
import { CacheAdminModule } from './cache-admin/cache-admin.module';
import type { Config } from './config/config';
import { ConfigModule } from './config/config.module';
import { cacheOptions } from './config/cache-options';
import { dataSourceOptions } from './database/data-source';
import { HealthModule } from './health/health.module';
import { LoggingModule } from './logging/logging.module';
import type { ServiceLogger } from './logging/service-logger';
import { MetricsController } from './metrics/metrics.controller';
import { PoolMetrics } from './metrics/pool-metrics';
import { ProductsModule } from './products/products.module';
import type { Backing } from './runtime/backing';
import { SecurityModule } from './security/security.module';

@Module({})
export class AppModule {
  /** The service on the given servers. */
  static forRoot(config: Config, backing: Backing, logger: ServiceLogger): DynamicModule {
    return {
      module: AppModule,
      imports: [
        ConfigModule.forRoot(config),
        LoggingModule.forRoot(logger),
        TypeOrmModule.forRoot({
          ...dataSourceOptions({
            url: backing.databaseUrl,
            poolSize: config.DATABASE_POOL_SIZE,
            replicaUrls: config.DATABASE_REPLICA_URLS,
          }),
          retryAttempts: 0,
        }),
        CacheModule.forRoot(cacheOptions(config, backing.redis)),
        MetricsModule.forRoot({ controller: MetricsController }),
        SecurityModule,
        ProductsModule,
        CacheAdminModule,
        HealthModule,
      ],
      providers: [PoolMetrics],
    };
  }
}
