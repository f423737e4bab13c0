import { z } from 'zod';
import { LOG_LEVELS } from '../logging/log-level';
import { addresses, bytes, drain, duration, flag, fraction, proxies, redisUrl, url, whole } from './parsers';

const MB = 1_048_576;

/** Every variable the service reads. `docs/reference/configuration.md` is checked against it by a test. */
export const ENVIRONMENT = z
  .object({
    NODE_ENV: z.enum(['development', 'production', 'test']).default('development'),
    PORT: whole(0, 65_535).default(8_000),
    HOST: z.string().default('127.0.0.1'),
    TRUST_PROXY: proxies.optional(),
    SHUTDOWN_DRAIN: drain.default(0),
    SHUTDOWN_REFUSE: flag.default(false),
    LOG_LEVEL: z.enum(LOG_LEVELS).default('log'),
    DATABASE_URL: url('postgres', 'postgresql').optional(),
    DATABASE_MIGRATE: flag.default(false),
    DATABASE_POOL_SIZE: whole(2, 1_000).default(20),
    DATABASE_REPLICA_URLS: z
      .string()
      .transform((text) => text.split(',').map((part) => part.trim()))
      .pipe(z.array(url('postgres', 'postgresql')))
      .optional(),
    REDIS_URL: redisUrl.optional(),
    REDIS_CLUSTER_NODES: addresses.optional(),
    REDIS_SENTINELS: addresses.optional(),
    REDIS_SENTINEL_NAME: z.string().optional(),
    REDIS_USERNAME: z.string().optional(),
    REDIS_PASSWORD: z.string().optional(),
    REDIS_TLS: flag.optional(),
    REDIS_TIMEOUT_MS: whole(5, 60_000).default(100),
    CACHE_ENABLED: flag.default(true),
    CACHE_NAMESPACE: z
      .string()
      .regex(/^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/, 'uses letters, digits, . _ - and begins with a letter or digit')
      .default('strata'),
    CACHE_TTL: duration.default(300_000),
    CACHE_STALE_WHILE_REVALIDATE: duration.default(30_000),
    CACHE_STALE_IF_ERROR: duration.default(600_000),
    CACHE_NEGATIVE_TTL: duration.default(30_000),
    CACHE_REFRESH_AHEAD: fraction.default(0.8),
    CACHE_L1_MAX_ENTRIES: whole(1, 10_000_000).default(100_000),
    CACHE_L1_MAX_BYTES: bytes(1_024).default(64 * MB),
    CACHE_COMPRESSION_THRESHOLD: bytes(0).default(1_024),
    CACHE_COHERENCE: z.enum(['acknowledged', 'broadcast', 'off']).default('acknowledged'),
    CACHE_LEASE_MS: whole(50, 60_000).default(2_000),
    CACHE_MAX_STALE_MS: whole(0, 3_600_000).default(0),
    CACHE_UNDELIVERED: z.enum(['defer', 'fail']).default('defer'),
    CACHE_FAST_LANE: flag.default(true),
    CACHE_WARM_KEYS: whole(0, 10_000).default(1_000),
    ADMIN_TOKEN: z.string().optional(),
    METRICS_PUBLIC: flag.default(true),
    WRITE_RATE_LIMIT: whole(0, 1_000_000).default(600),
  })
  .superRefine((env, context) => {
    const places = [env.REDIS_URL, env.REDIS_CLUSTER_NODES, env.REDIS_SENTINELS].filter((place) => place !== undefined);
    if (places.length > 1) {
      context.addIssue({
        code: 'custom',
        path: ['REDIS_URL'],
        message: 'give one of REDIS_URL, REDIS_CLUSTER_NODES and REDIS_SENTINELS',
      });
    }
    if (env.REDIS_SENTINELS !== undefined && env.REDIS_SENTINEL_NAME === undefined) {
      context.addIssue({ code: 'custom', path: ['REDIS_SENTINEL_NAME'], message: 'is needed with REDIS_SENTINELS' });
    }
    for (const name of ['REDIS_USERNAME', 'REDIS_PASSWORD', 'REDIS_TLS'] as const) {
      if (env.REDIS_URL === undefined || env[name] === undefined) continue;
      const message = 'goes with REDIS_CLUSTER_NODES and REDIS_SENTINELS; REDIS_URL carries its own';
      context.addIssue({ code: 'custom', path: [name], message });
    }
  });

/** For a service `cache` or `cache-…`: `CACHE_SERVICE_HOST`, `CACHE_REDIS_PORT_6379_TCP_ADDR`. */
const OF_KUBERNETES = /_SERVICE_(HOST|PORT)|_PORT(_\d+_(TCP|UDP)|$)/;

/**
 * Variables that look like ours and are none: a typing error would otherwise go unnoticed. Kubernetes adds some for
 * services of its own.
 */
export function unknownVariables(environment: NodeJS.ProcessEnv = process.env): string[] {
  const isOurs = (name: string): boolean => name.startsWith('CACHE_') && !OF_KUBERNETES.test(name);
  return Object.keys(environment).filter((name) => isOurs(name) && !(name in ENVIRONMENT.shape));
}

/** Validated configuration; the only place that knows the environment. */
export type Config = Readonly<z.output<typeof ENVIRONMENT>>;

/** A configuration that a user can mend: `problems` names each variable and what is wrong with it. */
export class ConfigError extends Error {
  constructor(readonly problems: readonly string[]) {
    super(`the configuration has ${problems.length === 1 ? 'a problem' : `${problems.length} problems`}`);
    this.name = 'ConfigError';
  }
}

/**
 * Reads and checks all variables at once. An empty variable counts as unset.
 *
 * @throws ConfigError that lists every problem
 */
export function loadConfig(environment: NodeJS.ProcessEnv = process.env): Config {
  const given = Object.fromEntries(Object.entries(environment).filter(([, value]) => value !== ''));
  const parsed = ENVIRONMENT.safeParse(given);
  if (parsed.success) return Object.freeze(parsed.data);
  throw new ConfigError(parsed.error.issues.map((issue) => `${issue.path.join('.')} ${issue.message}`));
}
