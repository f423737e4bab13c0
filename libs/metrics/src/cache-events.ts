import type { CacheBackend, CacheEvent, CacheEventName } from '@strata/cache';
import { Counter, Histogram, register } from 'prom-client';

const SECONDS = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5];

/** Label of what concerns every named cache of the namespace. */
const ALL = '*';

/** What a metric makes of the event it is fed by. */
interface Fed<N extends CacheEventName> {
  readonly event: N;
  readonly name: string;
  readonly help: string;
  readonly labels: readonly string[];
  /** Labels and value of one event; nothing for one that does not count. */
  readonly read: (event: Extract<CacheEvent, { name: N }>) => readonly [Record<string, string>, number] | undefined;
}

const fed = <N extends CacheEventName>(given: Fed<N>): Fed<CacheEventName> => given as unknown as Fed<CacheEventName>;

/** Durations in seconds. None of these events belongs to a hit in L1: that one costs nothing here. */
const HISTOGRAMS = [
  fed({
    event: 'invalidate',
    name: 'cache_invalidation_duration_seconds',
    help: 'Time until an invalidation made here had reached every instance, or was deferred.',
    labels: ['cache'],
    read: ({ origin, durationMs }) => (origin === 'local' ? [{ cache: ALL }, durationMs / 1_000] : undefined),
  }),
  fed({
    event: 'load.success',
    name: 'cache_load_duration_seconds',
    help: 'Time that a loader took, failed ones left out.',
    labels: ['cache'],
    read: ({ cache, durationMs }) => [{ cache }, durationMs / 1_000],
  }),
  fed({
    event: 'tier.operation',
    name: 'cache_operation_duration_seconds',
    help: 'Time of an operation of L2, by cache, tier and operation.',
    labels: ['cache', 'tier', 'op'],
    read: ({ cache, tier, op, durationMs }) => [{ cache, tier, op }, durationMs / 1_000],
  }),
];

const COUNTERS = [
  fed({
    event: 'load.coalesced',
    name: 'cache_coalesced_total',
    help: 'Callers that shared the load of another one, of this process or of the fleet.',
    labels: ['cache', 'scope'],
    read: ({ cache, scope }) => [{ cache, scope }, 1],
  }),
  fed({
    event: 'tier.error',
    name: 'cache_l2_errors_total',
    help: 'Operations on L2 that failed, by operation; `decode` for bytes that could not be read.',
    labels: ['cache', 'op'],
    read: ({ cache, op }) => [{ cache, op }, 1],
  }),
  fed({
    event: 'bus.published',
    name: 'cache_bus_messages_total',
    help: 'Messages of the bus, published and received.',
    labels: ['cache', 'direction'],
    read: () => [{ cache: ALL, direction: 'published' }, 1],
  }),
  fed({
    event: 'bus.received',
    name: 'cache_bus_messages_total',
    help: 'Messages of the bus, published and received.',
    labels: ['cache', 'direction'],
    read: () => [{ cache: ALL, direction: 'received' }, 1],
  }),
];

/** Feeds the metrics that count single events; the function that is returned stops it. */
export function observeEvents(strata: CacheBackend['strata']): () => void {
  const observers = new Map<CacheEventName, (event: CacheEvent) => void>();
  for (const { event, read, ...definition } of HISTOGRAMS) {
    const histogram = histogramOf(definition);
    observers.set(event, (happened) => {
      const found = read(happened);
      if (found !== undefined) histogram.observe(...found);
    });
  }
  for (const { event, read, ...definition } of COUNTERS) {
    const counter = counterOf(definition);
    observers.set(event, (happened) => {
      const found = read(happened);
      if (found !== undefined) counter.inc(...found);
    });
  }
  return strata.on((event) => observers.get(event.name)!(event), [...observers.keys()]);
}

interface Definition {
  readonly name: string;
  readonly help: string;
  readonly labels: readonly string[];
}

function histogramOf({ name, help, labels }: Definition): Histogram {
  const existing = register.getSingleMetric(name) as Histogram | undefined;
  return existing ?? new Histogram({ name, help, labelNames: [...labels], buckets: SECONDS });
}

function counterOf({ name, help, labels }: Definition): Counter {
  const existing = register.getSingleMetric(name) as Counter | undefined;
  return existing ?? new Counter({ name, help, labelNames: [...labels] });
}
