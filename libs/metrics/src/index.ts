export { MetricsModule, type MetricsModuleOptions } from './metrics.module';
export { HttpMetrics, cacheLabel, type CacheLabel, type FinishedRequest } from './http-metrics';
export { CacheMetrics } from './cache-metrics';
export { openTelemetryTracer } from './open-telemetry';
