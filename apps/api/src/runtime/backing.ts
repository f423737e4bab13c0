import { join } from 'node:path';
import type { RedisCredentials, RedisTarget } from '@strata/cache/redis';
import type { Config } from '../config/config';
import { EmbeddedPostgres } from '../embedded/embedded-postgres';
import { PrivateRedis } from '../embedded/private-redis';
import { UserError } from './user-error';

/** The servers the service runs on, and why these. */
export interface Backing {
  readonly databaseUrl: string;
  /** True when the database is our own: it is migrated and seeded without being asked. */
  readonly embedded: boolean;
  readonly databaseReason: string;
  readonly redis: RedisTarget | undefined;
  readonly redisReason: string;
  /** Stops what was started here, the database last. */
  stop(): Promise<void>;
}

/** Chooses the servers: configured ones, else embedded ones outside production. */
export async function chooseBacking(config: Config, folder = join(process.cwd(), '.data')): Promise<Backing> {
  const database = await chooseDatabase(config, folder);
  try {
    const redis = await chooseRedis(config);
    return {
      ...database,
      ...redis,
      stop: async () => {
        await redis.stopRedis();
        await database.stopDatabase();
      },
    };
  } catch (error) {
    await database.stopDatabase();
    throw error;
  }
}

const nothing = async (): Promise<void> => undefined;

async function chooseDatabase(config: Config, folder: string) {
  if (config.DATABASE_URL !== undefined) {
    const { host, pathname } = new URL(config.DATABASE_URL);
    const databaseReason = `${host}${pathname} (DATABASE_URL)`;
    return { databaseUrl: config.DATABASE_URL, embedded: false, databaseReason, stopDatabase: nothing };
  }
  if (config.NODE_ENV === 'production') {
    throw new UserError('DATABASE_URL is needed in production: the embedded PostgreSQL is for trying things out');
  }
  const server = await EmbeddedPostgres.start({ folder: join(folder, 'postgres') });
  const databaseReason = `embedded PostgreSQL 18, data in ${server.folder} (DATABASE_URL is not set)`;
  return { databaseUrl: server.url, embedded: true, databaseReason, stopDatabase: () => server.stop() };
}

async function chooseRedis(config: Config) {
  const none = { redis: undefined, stopRedis: nothing };
  if (!config.CACHE_ENABLED) return { ...none, redisReason: 'none (CACHE_ENABLED=false)' };
  const configured = configuredRedis(config);
  if (configured !== undefined) return { ...configured, stopRedis: nothing };
  if (config.NODE_ENV === 'production') return { ...none, redisReason: 'none: L1 alone (REDIS_URL is not set)' };
  const server = await PrivateRedis.start();
  if (server === undefined) {
    return {
      ...none,
      redisReason: 'none: L1 alone (REDIS_URL is not set, no redis-server or valkey-server on the PATH)',
    };
  }
  const redisReason = `private ${server.binary} on a unix socket (REDIS_URL is not set)`;
  return { redis: { path: server.socketPath } as RedisTarget, redisReason, stopRedis: () => server.stop() };
}

/** The Redis that the environment names, and how. */
export function configuredRedis(config: Config): (Pick<Backing, 'redisReason'> & { redis: RedisTarget }) | undefined {
  if (config.REDIS_URL !== undefined) {
    const redis: RedisTarget = { url: config.REDIS_URL };
    return { redis, redisReason: `${new URL(config.REDIS_URL).host} (REDIS_URL)` };
  }
  if (config.REDIS_SENTINELS !== undefined) {
    const sentinels = { addresses: config.REDIS_SENTINELS, name: config.REDIS_SENTINEL_NAME! };
    const redis: RedisTarget = { sentinels, ...credentials(config) };
    return { redis, redisReason: `master "${config.REDIS_SENTINEL_NAME}" (REDIS_SENTINELS)` };
  }
  if (config.REDIS_CLUSTER_NODES !== undefined) {
    const redis: RedisTarget = { cluster: { addresses: config.REDIS_CLUSTER_NODES }, ...credentials(config) };
    return { redis, redisReason: 'a cluster (REDIS_CLUSTER_NODES)' };
  }
  return undefined;
}

function credentials({ REDIS_USERNAME, REDIS_PASSWORD, REDIS_TLS }: Config): RedisCredentials {
  return {
    ...(REDIS_USERNAME === undefined ? {} : { username: REDIS_USERNAME }),
    ...(REDIS_PASSWORD === undefined ? {} : { password: REDIS_PASSWORD }),
    ...(REDIS_TLS === undefined ? {} : { tls: REDIS_TLS }),
  };
}
