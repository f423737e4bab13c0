import { NestFactory } from '@nestjs/core';
import { CacheBackend, CacheModule } from '@strata/cache';
import { cacheOptions } from '../config/cache-options';
import type { Config } from '../config/config';
import { configuredRedis } from '../runtime/backing';

/**
 * Empties the HTTP cache of every instance, after the database has been written to past the service.
 *
 * @returns a sentence for the caller where that could not be done
 */
export async function emptyCache(config: Config): Promise<string | undefined> {
  const configured = configuredRedis(config);
  if (configured === undefined) return 'No Redis is configured: a service that runs shows what it has kept until then.';
  if (config.CACHE_COHERENCE === 'off') return 'CACHE_COHERENCE is off: services show what they have kept until then.';
  const options = {
    ...cacheOptions(config, configured.redis),
    enabled: true,
    undelivered: 'defer',
    warm: { keys: 0 },
  } as const;
  const context = await NestFactory.createApplicationContext(CacheModule.forRoot(options), { logger: false });
  try {
    const { deferred } = await context.get(CacheBackend).httpCache().clear();
    return deferred
      ? `Redis is away (${configured.redisReason}): services show what they have kept until then.`
      : undefined;
  } finally {
    await context.close();
  }
}
