import { Module, type DynamicModule, type Type } from '@nestjs/common';
import { PrometheusModule } from '@willsoto/nestjs-prometheus';
import { register } from 'prom-client';
import { CacheMetrics } from './cache-metrics';
import { HttpMetrics, httpHistogramProvider } from './http-metrics';

/** Options of {@link MetricsModule}. */
export interface MetricsModuleOptions {
  /**
   * Controller that answers `GET /metrics`; extend `PrometheusController` of `@willsoto/nestjs-prometheus` to guard or
   * document it. @default that one, open to everybody
   */
  readonly controller?: Type;
}

/**
 * Prometheus metrics of the process, of HTTP and of the cache. It reads from the cache; the cache never
 * imports it.
 *
 * @publicApi
 */
@Module({})
export class MetricsModule {
  static forRoot({ controller }: MetricsModuleOptions = {}): DynamicModule {
    // The registry belongs to the process: a second application in it must not register twice.
    const enabled = register.getSingleMetric('process_cpu_user_seconds_total') === undefined;
    return {
      module: MetricsModule,
      imports: [
        PrometheusModule.register({
          ...(controller === undefined ? {} : { controller: controller as never }),
          path: '/metrics',
          defaultMetrics: { enabled },
        }),
      ],
      providers: [CacheMetrics, HttpMetrics, httpHistogramProvider],
      exports: [HttpMetrics],
    };
  }
}
