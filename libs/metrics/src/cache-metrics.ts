import { CacheBackend, RequestStats } from '@strata/cache';
import { Injectable, type OnModuleDestroy, type OnModuleInit } from '@nestjs/common';
import { COUNTERS } from './cache-counters';
import { observeEvents } from './cache-events';
import { GAUGES } from './cache-gauges';
import { backends, defineCounter, defineGauge } from './collected';

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
    for (const counter of COUNTERS) defineCounter(counter);
    for (const gauge of GAUGES) defineGauge(gauge);
    this.stopListening = observeEvents(this.backend.strata);
  }

  onModuleDestroy(): void {
    this.stopListening?.();
    backends.delete(this.backend);
  }
}
