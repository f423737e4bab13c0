import { Injectable } from '@nestjs/common';

/** Counts of requests to cached routes, this instance, since start. */
export interface RequestCounts {
  readonly totalRequests: number;
  readonly cacheHits: number;
  readonly cacheMisses: number;
  readonly hitRate: number;
  readonly avgResponseTimeMs: number;
}

/** Counts answers of cached routes. A stale or negative answer is a hit; a bypassed request is neither. */
@Injectable()
export class RequestStats {
  private hits = 0;
  private misses = 0;
  private totalMs = 0;
  /** Requests to cached routes that went past the cache; in no other figure. */
  bypassed = 0;
  /** Answers of the fast lane; they are in the other figures too. */
  fast = 0;

  record(hit: boolean, durationMs: number): void {
    if (hit) this.hits++;
    else this.misses++;
    this.totalMs += durationMs;
  }

  snapshot(): RequestCounts {
    const totalRequests = this.hits + this.misses;
    const mean = (sum: number): number => (totalRequests === 0 ? 0 : sum / totalRequests);
    return {
      totalRequests,
      cacheHits: this.hits,
      cacheMisses: this.misses,
      hitRate: mean(this.hits),
      avgResponseTimeMs: Math.round(mean(this.totalMs) * 1_000) / 1_000,
    };
  }
}
