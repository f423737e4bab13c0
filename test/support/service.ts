import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { getDataSourceToken } from '@nestjs/typeorm';
import { CacheBackend } from '@strata/cache';
import request from 'supertest';
import type { DataSource } from 'typeorm';
import { loadConfig } from '../../apps/api/src/config/config';
import type { Backing } from '../../apps/api/src/runtime/backing';
import { createApp } from '../../apps/api/src/runtime/bootstrap';

/** The real service in this process, on real servers. */
export interface Service {
  readonly app: NestFastifyApplication;
  readonly url: string;
  readonly backend: CacheBackend;
  readonly source: DataSource;
  http(): ReturnType<typeof request>;
  close(): Promise<void>;
}

/** Starts the service on `database` and `redis` with further variables. The first one migrates and seeds. */
export async function startService(options: {
  database: string;
  redis?: string | undefined;
  env?: Record<string, string>;
  seed?: boolean;
}): Promise<Service> {
  const config = loadConfig({
    NODE_ENV: 'test',
    LOG_LEVEL: 'error',
    CACHE_LEASE_MS: '1000',
    // Ample: with several suites on two cores a healthy Redis may have to wait for the processor.
    REDIS_TIMEOUT_MS: '2000',
    DATABASE_MIGRATE: 'true',
    DATABASE_POOL_SIZE: '5',
    ...options.env,
  });
  const backing: Backing = {
    databaseUrl: options.database,
    embedded: options.seed ?? true,
    databaseReason: 'test',
    redis: options.redis === undefined ? undefined : { url: options.redis },
    redisReason: 'test',
    stop: async () => undefined,
  };
  const app = await createApp(config, backing);
  await app.listen(0, '127.0.0.1');
  const url = await app.getUrl();
  return {
    app,
    url,
    backend: app.get(CacheBackend),
    source: app.get<DataSource>(getDataSourceToken()),
    http: () => request(url),
    close: () => app.close(),
  };
}
