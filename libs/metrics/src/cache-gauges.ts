import { backends, eachLocal, eachStrata, type Cells, type MetricDefinition } from './collected';

const BREAKER_VALUE = { closed: 0, 'half-open': 1, open: 2 } as const;

/** Gauges of the caches, as they stand when a scrape asks. */
export const GAUGES: readonly MetricDefinition[] = [
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
    name: 'cache_max_bytes',
    help: 'Bound of the bytes accounted to L1.',
    labels: ['cache'],
    read: () => eachLocal((cache, { bounds }) => [{ cache }, bounds.maxBytes]),
  },
  {
    name: 'cache_l2_connected',
    help: '1 while Redis can be used, 0 while it cannot; absent when none is configured.',
    labels: [],
    read: (): Cells => {
      const configured = [...backends.keys()].filter(({ redis }) => redis.configured);
      return configured.length === 0 ? [] : [[{}, configured.every(({ redis }) => redis.connected) ? 1 : 0]];
    },
  },
  {
    name: 'cache_l2_commands_in_flight',
    help: 'Operations on Redis that wait for their answer; a command that many share counts as many.',
    labels: [],
    read: () => [[{}, [...backends.keys()].reduce((sum, { redis }) => sum + redis.inFlight, 0)]],
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
