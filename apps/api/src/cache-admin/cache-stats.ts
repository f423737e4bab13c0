import { hitRate, type CacheBackend, type CacheCounters, type RequestStats } from '@strata/cache';

/** Answer of `GET /cache/stats`: figures of this instance since start. */
export function cacheStats(backend: CacheBackend, requests: RequestStats): Record<string, unknown> {
  const caches = backend.strata.all();
  const sum = (pick: (counters: CacheCounters) => number): number =>
    caches.reduce((total, cache) => total + pick(cache.counters), 0);
  return {
    enabled: backend.enabled,
    uptimeSeconds: Math.round(process.uptime()),
    ...requests.snapshot(),
    local: localStats(backend, sum),
    redis: redisStats(backend, sum),
    loads: loadStats(sum),
    stale: { served: sum((counters) => counters.stale.served) },
    fills: { rejected: sum((counters) => counters.fills.rejected) },
    coherence: coherenceStats(backend),
  };
}

function coherenceStats({ strata }: CacheBackend): Record<string, unknown> {
  const { local, remote, deferred, totalMs } = strata.invalidations;
  const originated = local.delete + local.expire;
  return {
    mode: strata.state.mode,
    leaseHeld: strata.state.leaseHeld,
    instances: strata.members,
    invalidations: originated,
    avgInvalidationMs: originated === 0 ? 0 : thousandths(totalMs / originated),
    appliedInvalidations: remote.delete + remote.expire,
    deferredInvalidations: deferred,
    waitingTags: strata.deferredTags,
  };
}

const thousandths = (ms: number): number => Math.round(ms * 1_000) / 1_000;

type Sum = (pick: (counters: CacheCounters) => number) => number;

function localStats(backend: CacheBackend, sum: Sum): Record<string, number> {
  const hits = sum(({ local }) => local.hits);
  const misses = sum(({ local }) => local.misses);
  const usage = backend.strata.all().map((cache) => cache.localUsage);
  const total = (pick: (use: (typeof usage)[number]) => number): number => usage.reduce((n, use) => n + pick(use), 0);
  return {
    hits,
    misses,
    sets: sum(({ local }) => local.sets),
    deletes: sum(({ local }) => local.deletes),
    evictions: sum(({ local }) => local.evictions),
    expirations: sum(({ local }) => local.expirations),
    hitRate: hitRate({ hits, misses }),
    size: total((use) => use.size),
    maxSize: total((use) => use.bounds.maxEntries),
    bytes: total((use) => use.bytes),
    maxBytes: total((use) => use.bounds.maxBytes),
  };
}

function redisStats(backend: CacheBackend, sum: Sum): Record<string, unknown> {
  const hits = sum(({ remote }) => remote.hits);
  const misses = sum(({ remote }) => remote.misses);
  return {
    connected: backend.redis.connected,
    breaker: backend.redis.breaker,
    hits,
    misses,
    sets: sum(({ remote }) => remote.sets),
    deletes: sum(({ remote }) => remote.deletes),
    errors: sum(({ remote }) => remote.errors),
    hitRate: hitRate({ hits, misses }),
  };
}

function loadStats(sum: Sum): Record<string, number> {
  const count = sum(({ loads }) => loads.count);
  const totalMs = sum(({ loads }) => loads.totalMs);
  return {
    count,
    errors: sum(({ loads }) => loads.errors),
    coalesced: sum(({ loads }) => loads.coalesced),
    avgMs: count === 0 ? 0 : thousandths(totalMs / count),
  };
}
