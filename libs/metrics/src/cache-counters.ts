import { ALL, backends, eachCache, eachStrata, type MetricDefinition } from './collected';

const WARM_RESULTS = ['already', 'fromL2', 'loaded', 'passedOver', 'failed', 'left'] as const;

/** Counters of the caches, as they stand when a scrape asks. */
export const COUNTERS: readonly MetricDefinition[] = [
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
    name: 'cache_fast_lane_answers_total',
    help: 'Hits that were answered before framework and Nest; cache_requests_total has them too.',
    labels: [],
    read: () => [[{}, [...backends.values()].reduce((total, { fast }) => total + fast, 0)]],
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
  {
    name: 'cache_warmed_keys_total',
    help: 'Keys of warmings that have ended, by what became of them.',
    labels: ['result'],
    read: () =>
      WARM_RESULTS.map(
        (result) =>
          [
            { result },
            [...backends.keys()].reduce((sum, { warmer }) => sum + (warmer?.totals[result] ?? 0), 0),
          ] as const,
      ),
  },
  {
    name: 'cache_l2_outages_total',
    help: 'Times that a working connection to Redis was lost or given up.',
    labels: [],
    read: () => [[{}, [...backends.keys()].reduce((sum, { redis }) => sum + redis.outages, 0)]],
  },
];
