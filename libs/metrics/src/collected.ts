import type { CacheBackend, CacheCounters, RequestStats } from '@strata/cache';
import { Counter, Gauge, register } from 'prom-client';

/** Backends of this process. More than one only where several applications share it, as in tests. */
export const backends = new Map<CacheBackend, RequestStats>();

/** What one scrape shows of a metric: each cell with its labels. */
export type Cells = readonly (readonly [labels: Record<string, string>, value: number])[];

/** A metric that is read when a scrape asks for it. */
export interface MetricDefinition {
  readonly name: string;
  readonly help: string;
  readonly labels: readonly string[];
  readonly read: () => Cells;
}

/** Label of what concerns every named cache of the namespace. */
export const ALL = '*';

export function eachStrata(cells: (strata: CacheBackend['strata']) => Cells): Cells {
  return [...backends.keys()].flatMap(({ strata }) => cells(strata));
}

export function eachCache(cells: (cache: string, counters: CacheCounters) => Cells): Cells {
  return [...backends.keys()].flatMap((backend) => backend.strata.all().flatMap((c) => cells(c.name, c.counters)));
}

/** Fill of the L1 of one cache. */
export type LocalUsage = ReturnType<CacheBackend['strata']['all']>[number]['localUsage'];

export function eachLocal(
  cell: (cache: string, usage: LocalUsage) => readonly [Record<string, string>, number],
): Cells {
  return [...backends.keys()].flatMap((backend) => backend.strata.all().map((c) => cell(c.name, c.localUsage)));
}

/** Registers a counter that takes its value from `read`; once a process, whoever comes first. */
export function defineCounter({ name, help, labels, read }: MetricDefinition): void {
  if (register.getSingleMetric(name) !== undefined) return;
  new Counter({ name, help, labelNames: labels, collect: collector(read) });
}

/** {@link defineCounter} for a value that may fall. */
export function defineGauge({ name, help, labels, read }: MetricDefinition): void {
  if (register.getSingleMetric(name) !== undefined) return;
  new Gauge({ name, help, labelNames: labels, collect: collector(read) });
}

interface Collected {
  reset(): void;
  inc(labels: Record<string, string>, value: number): void;
}

function collector(read: () => Cells) {
  return function (this: Collected): void {
    this.reset();
    for (const [labels, value] of read()) this.inc(labels, value);
  };
}
