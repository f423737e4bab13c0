import { CacheBackend, RequestStats, type CacheCounters } from '@strata/cache';
import { Injectable, type OnModuleDestroy, type OnModuleInit } from '@nestjs/common';
import { Counter, Gauge, register } from 'prom-client';
import { observeEvents } from './cache-events';

type Cells = readonly (readonly [labels: Record<string, string>, value: number])[];

const BREAKER_VALUE = { closed: 0, 'half-open': 1, open: 2 } as const;

/** Backends of this process. More than one only where several applications share it, as in tests. */
const backends = new Map<CacheBackend, RequestStats>();

/**
 * Exposes the cache's counters to Prometheus. They are read when a scrape asks for them, so that a cache
 * hit costs no label look-up. Labels are cache names, tiers and results; never a key.
 */
@Injectable()
export class CacheMetrics implements OnModuleInit, OnModuleDestroy {
  private stopListening: (() => void) | undefined;

  constructor(
    private readonly backend: CacheBackend,
    private readonly requests: RequestStats,
  ) {}

  onModuleInit(): void {
    backends.set(this.backend, this.requests);
    for (const metric of COUNTERS) defineCounter(metric.name, metric.help, metric.labels, metric.read);
    for (const metric of GAUGES) defineGauge(metric.name, metric.help, metric.labels, metric.read);
    this.stopListening = observeEvents(this.backend.strata);
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
        [{ cache, tier: 'L1', result: 'hit' }, counters.local.hits - counters.local.negativeHits],
        [{ cache, tier: 'L1', result: 'negative' }, counters.local.negativeHits],
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
    name: 'cache_bypassed_total',
    help: 'Requests to cached routes that went past the cache.',
    labels: [],
    read: () => [[{}, [...backends.values()].reduce((total, { bypassed }) => total + bypassed, 0)]],
  },
  {
    name: 'cache_compression_saved_bytes_total',
    help: 'Bytes that compression has kept off the wire to L2.',
    labels: ['cache'],
    read: () => eachCache((cache, { remote }) => [[{ cache }, remote.savedBytes]]),
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
    read: () => [[{}, Math.max(0, ...[...backends.keys()].map((backend) => BREAKER_VALUE[backend.redis.breaker]))]],
  },
  {
    name: 'cache_members',
    help: 'Instances that may hold a lease, as this one last heard.',
    labels: [],
    read: () => [[{}, Math.max(0, ...[...backends.keys()].map(({ strata }) => strata.members))]],
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
    read: () => [[{}, [...backends.keys()].every((backend) => backend.strata.state.leaseHeld) ? 1 : 0]],
  },
];

/** Label of what concerns every named cache of the namespace. */
const ALL = '*';

function eachStrata(cells: (strata: CacheBackend['strata']) => Cells): Cells {
  return [...backends.keys()].flatMap(({ strata }) => cells(strata));
}

function eachCache(cells: (cache: string, counters: CacheCounters) => Cells): Cells {
  return [...backends.keys()].flatMap((backend) => backend.strata.all().flatMap((c) => cells(c.name, c.counters)));
}

function eachLocal(
  cell: (cache: string, usage: { size: number; bytes: number }) => readonly [Record<string, string>, number],
): Cells {
  return [...backends.keys()].flatMap((backend) => backend.strata.all().map((c) => cell(c.name, c.localUsage)));
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
