import { Logger } from '@nestjs/common';
import type { CacheModuleOptions } from '@strata/cache';
import type { RedisTarget } from '@strata/cache/redis';
import { openTelemetryTracer } from '@strata/metrics';
import { showsToken } from '../security/bearer';
import type { Config } from './config';

/** What the configuration means for the cache. */
export function cacheOptions(config: Config, redis: RedisTarget | undefined): CacheModuleOptions {
  const logger = new Logger('Cache');
  return {
    enabled: config.CACHE_ENABLED,
    namespace: config.CACHE_NAMESPACE,
    redis,
    redisTimeoutMs: config.REDIS_TIMEOUT_MS,
    coherence: config.CACHE_COHERENCE,
    leaseMs: config.CACHE_LEASE_MS,
    maxStaleMs: config.CACHE_MAX_STALE_MS,
    undelivered: config.CACHE_UNDELIVERED,
    defaults: {
      ttl: config.CACHE_TTL,
      staleWhileRevalidate: config.CACHE_STALE_WHILE_REVALIDATE,
      staleIfError: config.CACHE_STALE_IF_ERROR,
      negativeTtl: config.CACHE_NEGATIVE_TTL,
      refreshAhead: config.CACHE_REFRESH_AHEAD,
      maxEntries: config.CACHE_L1_MAX_ENTRIES,
      maxBytes: config.CACHE_L1_MAX_BYTES,
      compressionThreshold: config.CACHE_COMPRESSION_THRESHOLD,
    },
    warm: { keys: config.CACHE_WARM_KEYS },
    trace: openTelemetryTracer(),
    mayRefresh: ({ headers }) =>
      config.ADMIN_TOKEN !== undefined &&
      showsToken(headers['authorization'] as string | undefined, config.ADMIN_TOKEN),
    onBreakerChange: (state, reason) => {
      if (state === 'open')
        logger.warn(`Redis is away (${reason}): answers come from L1 and the database until it is back`);
      else if (state === 'closed') logger.log('Redis is connected');
    },
  };
}
