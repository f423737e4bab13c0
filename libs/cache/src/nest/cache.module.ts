import { CACHE_MANAGER } from '@nestjs/cache-manager';
import {
  ConfigurableModuleBuilder,
  type DynamicModule,
  Module,
  type OnApplicationBootstrap,
  type OnApplicationShutdown,
} from '@nestjs/common';
import { DiscoveryModule } from '@nestjs/core';
import type { CacheOptions } from '../core/options';
import { cacheManagerOver } from '../interop/keyv-store';
import { CacheBackend } from './cache-backend';
import { CacheEvictInterceptor } from './cache-evict.interceptor';
import { CachePutInterceptor } from './cache-put.interceptor';
import { CacheableInterceptor } from './cacheable.interceptor';
import { cacheToken } from './decorators';
import { EndOfTurn } from './end-of-turn';
import { CacheExplorer } from './explorer';
import { FastLane } from './fast-lane/fast-lane';
import { NoCacheInterceptor } from './no-cache.interceptor';
import { CACHE_MODULE_OPTIONS } from './metadata';
import type { CacheModuleOptions } from './options';
import { RequestStats } from './request-stats';

const INTERCEPTORS = [CacheableInterceptor, CachePutInterceptor, CacheEvictInterceptor, NoCacheInterceptor];

/** What `CacheModule.forFeature` hangs its providers on: a module of its own, so that nothing is made twice. */
@Module({})
class CacheFeatureModule {}

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
  imports: [DiscoveryModule],
  providers: [
    {
      provide: CacheBackend,
      useFactory: (options: CacheModuleOptions) => CacheBackend.create(options),
      inject: [CACHE_MODULE_OPTIONS],
    },
    {
      provide: CACHE_MANAGER,
      useFactory: (backend: CacheBackend) =>
        cacheManagerOver(() => (backend.enabled ? backend.cache('cache-manager') : undefined)),
      inject: [CacheBackend],
    },
    RequestStats,
    FastLane,
    EndOfTurn,
    CacheExplorer,
    ...INTERCEPTORS,
  ],
  exports: [CacheBackend, CACHE_MANAGER, RequestStats, FastLane, EndOfTurn, ...INTERCEPTORS],
})
export class CacheModule extends ConfigurableModuleClass implements OnApplicationBootstrap, OnApplicationShutdown {
  constructor(private readonly backend: CacheBackend) {
    super();
  }

  /** With nothing given: L1 alone, with the defaults. */
  static override forRoot(options: Parameters<typeof ConfigurableModuleClass.forRoot>[0] = {}): DynamicModule {
    return super.forRoot(options);
  }

  /**
   * Declares named caches with options of their own, for `@InjectCache(name)` and for decorators with
   * `cache: name`. Needs a global `forRoot` or `forRootAsync`; with `isGlobal: false` ask `CacheBackend` for caches.
   */
  static forFeature(caches: Readonly<Record<string, CacheOptions>>): DynamicModule {
    const providers = Object.entries(caches).map(([name, options]) => ({
      provide: cacheToken(name),
      useFactory: (backend: CacheBackend) => backend.declare(name, options),
      inject: [CacheBackend],
    }));
    return { module: CacheFeatureModule, providers, exports: providers.map(({ provide }) => provide) };
  }

  async onApplicationBootstrap(): Promise<void> {
    await this.backend.start();
  }

  /** After the HTTP server has drained: requests under way may still read and invalidate. */
  async onApplicationShutdown(): Promise<void> {
    await this.backend.close();
  }
}
