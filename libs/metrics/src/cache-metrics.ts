import { CacheBackend, type CacheCounters } from '@strata/cache';
import { Injectable, type OnModuleDestroy, type OnModuleInit } from '@nestjs/common';
import { Counter, Gauge, Histogram, register } from 'prom-client';

type Cells = readonly (readonly [labels: Record<string, string>, value: number])[];

const BREAKER_VALUE = { closed: 0, 'half-open': 1, open: 2 } as const;

/** Backends of this process. More than one only where several applications share it, as in tests. */
const backends = new Set<CacheBackend>();

/**
 * Exposes the cache's counters to Prometheus. They are read when a scrape asks for them, so that a cache
 * hit costs no label look-up. Labels are cache names, tiers and results; never a key.
 */
@Injectable()
export class CacheMetrics implements OnModuleInit, OnModuleDestroy {
  private stopListening: (() => void) | undefined;

  constructor(private readonly backend: CacheBackend) {}

  onModuleInit(): void {
    backends.add(this.backend);
    for (const metric of COUNTERS) defineCounter(metric.name, metric.help, metric.labels, metric.read);
    for (const metric of GAUGES) defineGauge(metric.name, metric.help, metric.labels, metric.read);
    const durations = invalidationHistogram();
    this.stopListening = this.backend.strata.on(
      (event) => {
        if (event.name === 'invalidate' && event.origin === 'local') {
          durations.observe({ cache: ALL }, event.durationMs / 1_000);
        }
      },
      ['invalidate'],
    );
  }

  onModuleDestroy(): void {
    this.stopListening?.();
    backends.delete(this.backend);
  }
}

interface MetricDefinition {
  readonly name: string;
  readonly help: string;
  readonly labels: readonly string[];
  readonly read: () => Cells;
}

const COUNTERS: readonly MetricDefinition[] = [
  {
    name: 'cache_requests_total',
    help: 'Look-ups by cache, tier and result.',
    labels: ['cache', 'tier', 'result'],
    read: () =>
      eachCache((cache, counters) => [
        [{ cache, tier: 'L1', result: 'hit' }, counters.local.hits],
        [{ cache, tier: 'L1', result: 'miss' }, counters.local.misses],
        [{ cache, tier: 'L2', result: 'hit' }, counters.remote.hits],
        [{ cache, tier: 'L2', result: 'miss' }, counters.remote.misses],
        [{ cache, tier: 'L1', result: 'stale' }, counters.stale.served],
      ]),
  },
  {
    name: 'cache_loads_total',
    help: 'Runs of a loader by result.',
    labels: ['cache', 'result'],
    read: () =>
      eachCache((cache, { loads }) => [
        [{ cache, result: 'success' }, loads.count - loads.errors],
        [{ cache, result: 'error' }, loads.errors],
      ]),
  },
  {
    name: 'cache_coalesced_total',
    help: 'Callers that shared the load of another one.',
    labels: ['cache', 'scope'],
    read: () => eachCache((cache, { loads }) => [[{ cache, scope: 'process' }, loads.coalesced]]),
  },
  {
    name: 'cache_puts_total',
    help: 'Entries stored, by tier.',
    labels: ['cache', 'tier'],
    read: () =>
      eachCache((cache, { local, remote }) => [
        [{ cache, tier: 'L1' }, local.sets],
        [{ cache, tier: 'L2' }, remote.sets],
      ]),
  },
  {
    name: 'cache_evictions_total',
    help: 'Entries that L1 dropped by itself, by reason.',
    labels: ['cache', 'reason'],
    read: () =>
      eachCache((cache, { local }) => [
        [{ cache, reason: 'size' }, local.evictions],
        [{ cache, reason: 'expired' }, local.expirations],
      ]),
  },
  {
    name: 'cache_fills_rejected_total',
    help: 'Values that a tier did not take, by reason: overtaken by an invalidation, or over a bound.',
    labels: ['cache', 'reason'],
    read: () =>
      eachCache((cache, { fills }) =>
        Object.entries(fills.reasons).map(([reason, count]) => [{ cache, reason }, count] as const),
      ),
  },
  {
    name: 'cache_invalidations_total',
    help: 'Invalidations by kind, made here (local) or applied for another instance (remote).',
    labels: ['cache', 'kind', 'origin'],
    read: () =>
      eachStrata(({ invalidations }) =>
        (['local', 'remote'] as const).flatMap((origin) =>
          Object.entries(invalidations[origin]).map(([kind, count]) => [{ cache: ALL, kind, origin }, count] as const),
        ),
      ),
  },
  {
    name: 'cache_invalidations_deferred_total',
    help: 'Invalidations that could not reach Redis at first.',
    labels: ['cache'],
    read: () => eachStrata(({ invalidations }) => [[{ cache: ALL }, invalidations.deferred]]),
  },
  {
    name: 'cache_l2_errors_total',
    help: 'Operations on L2 that failed.',
    labels: ['cache'],
    read: () => eachCache((cache, { remote }) => [[{ cache }, remote.errors]]),
  },
];

const GAUGES: readonly MetricDefinition[] = [
  {
    name: 'cache_entries',
    help: 'Entries in L1.',
    labels: ['cache'],
    read: () => eachLocal((cache, { size }) => [{ cache }, size]),
  },
  {
    name: 'cache_bytes',
    help: 'Bytes accounted to L1.',
    labels: ['cache'],
    read: () => eachLocal((cache, { bytes }) => [{ cache }, bytes]),
  },
  {
    name: 'cache_breaker_state',
    help: 'Breaker in front of Redis: 0 closed, 1 half-open, 2 open.',
    labels: [],
    read: () => [[{}, Math.max(0, ...[...backends].map((backend) => BREAKER_VALUE[backend.redis.breaker]))]],
  },
  {
    name: 'cache_members',
    help: 'Instances that may hold a lease, as this one last heard.',
    labels: [],
    read: () => [[{}, Math.max(0, ...[...backends].map(({ strata }) => strata.members))]],
  },
  {
    name: 'cache_invalidations_waiting_tags',
    help: 'Tags whose invalidation waits for Redis to come back.',
    labels: [],
    read: () => eachStrata(({ deferredTags }) => [[{}, deferredTags]]),
  },
  {
    name: 'cache_lease_held',
    help: '1 while this instance may serve from L1.',
    labels: [],
    read: () => [[{}, [...backends].every((backend) => backend.strata.state.leaseHeld) ? 1 : 0]],
  },
];

/** Label of what concerns every named cache of the namespace. */
const ALL = '*';

function eachStrata(cells: (strata: CacheBackend['strata']) => Cells): Cells {
  return [...backends].flatMap(({ strata }) => cells(strata));
}

function eachCache(cells: (cache: string, counters: CacheCounters) => Cells): Cells {
  return [...backends].flatMap((backend) => backend.strata.all().flatMap((c) => cells(c.name, c.counters)));
}

function eachLocal(
  cell: (cache: string, usage: { size: number; bytes: number }) => readonly [Record<string, string>, number],
): Cells {
  return [...backends].flatMap((backend) => backend.strata.all().map((c) => cell(c.name, c.localUsage)));
}

const INVALIDATION_DURATION = 'cache_invalidation_duration_seconds';

function invalidationHistogram(): Histogram<'cache'> {
  const existing = register.getSingleMetric(INVALIDATION_DURATION);
  if (existing !== undefined) return existing as Histogram<'cache'>;
  return new Histogram({
    name: INVALIDATION_DURATION,
    help: 'Time until an invalidation made here had reached every instance, or was deferred.',
    labelNames: ['cache'],
    buckets: [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5],
  });
}

function defineCounter(name: string, help: string, labelNames: readonly string[], read: () => Cells): void {
  if (register.getSingleMetric(name) !== undefined) return;
  new Counter({
    name,
    help,
    labelNames,
    collect() {
      this.reset();
      for (const [labels, value] of read()) this.inc(labels, value);
    },
  });
}

function defineGauge(name: string, help: string, labelNames: readonly string[], read: () => Cells): void {
  if (register.getSingleMetric(name) !== undefined) return;
  new Gauge({
    name,
    help,
    labelNames,
    collect() {
      this.reset();
      for (const [labels, value] of read()) this.inc(labels, value);
    },
  });
}
