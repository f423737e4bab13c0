import { CACHE_MANAGER } from '@nestjs/cache-manager';
import {
  ConfigurableModuleBuilder,
  Module,
  type OnApplicationBootstrap,
  type OnApplicationShutdown,
} from '@nestjs/common';
import { cacheManagerOver } from '../interop/keyv-store';
import { CacheBackend } from './cache-backend';
import { CacheEvictInterceptor } from './cache-evict.interceptor';
import { CacheableInterceptor } from './cacheable.interceptor';
import { CACHE_MODULE_OPTIONS } from './metadata';
import type { CacheModuleOptions } from './options';
import { RequestStats } from './request-stats';

const { ConfigurableModuleClass } = new ConfigurableModuleBuilder<CacheModuleOptions>({
  optionsInjectionToken: CACHE_MODULE_OPTIONS,
})
  .setClassMethodName('forRoot')
  .setExtras({ isGlobal: true }, (definition, extras) => ({ ...definition, global: extras.isGlobal }))
  .build();

/**
 * Brings the tiers, the interceptors behind the decorators, and `CACHE_MANAGER` of
 * `@nestjs/cache-manager` on the same tiers. Global unless `isGlobal: false`.
 *
 * @publicApi
 */
@Module({
  providers: [
    {
      provide: CacheBackend,
      useFactory: (options: CacheModuleOptions) => CacheBackend.create(options),
      inject: [CACHE_MODULE_OPTIONS],
    },
    {
      provide: CACHE_MANAGER,
      useFactory: (backend: CacheBackend) => cacheManagerOver(() => backend.cache('cache-manager')),
      inject: [CacheBackend],
    },
    RequestStats,
    CacheableInterceptor,
    CacheEvictInterceptor,
  ],
  exports: [CacheBackend, CACHE_MANAGER, RequestStats, CacheableInterceptor, CacheEvictInterceptor],
})
export class CacheModule extends ConfigurableModuleClass implements OnApplicationBootstrap, OnApplicationShutdown {
  constructor(private readonly backend: CacheBackend) {
    super();
  }

  async onApplicationBootstrap(): Promise<void> {
    await this.backend.start();
  }

  /** After the HTTP server has drained: requests under way may still read and invalidate. */
  async onApplicationShutdown(): Promise<void> {
    await this.backend.close();
  }
}
