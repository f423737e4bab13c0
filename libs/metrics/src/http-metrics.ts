import { Inject, Injectable } from '@nestjs/common';
import { getToken } from '@willsoto/nestjs-prometheus';
import { register } from 'prom-client';
import { CountedHistogram } from './counted-histogram';

const NAME = 'http_request_duration_seconds';

/** How the cache took part in an answer. */
export type CacheLabel = 'hit' | 'miss' | 'bypass' | 'none';

type Label = 'method' | 'route' | 'status' | 'cache';

/** One finished request. `route` is the template, never the URL. */
export interface FinishedRequest {
  readonly method: string;
  readonly route: string;
  readonly status: number;
  readonly cacheStatus: string | undefined;
  readonly seconds: number;
}

/** The registry belongs to the process: a second application in it shares the histogram. */
export const httpHistogramProvider = {
  provide: getToken(NAME),
  useFactory: (): CountedHistogram<Label> =>
    (register.getSingleMetric(NAME) as CountedHistogram<Label> | undefined) ??
    new CountedHistogram<Label>({
      name: NAME,
      help: 'Duration of HTTP requests by method, route template, status and part of the cache.',
      labelNames: ['method', 'route', 'status', 'cache'],
      buckets: [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5],
    }),
};

/** Durations of HTTP requests, cached and uncached apart. */
@Injectable()
export class HttpMetrics {
  constructor(@Inject(getToken(NAME)) private readonly durations: CountedHistogram<Label>) {}

  record(request: FinishedRequest): void {
    const cache = cacheLabel(request.cacheStatus);
    this.durations.of(request.method, request.route, request.status, cache).observe(request.seconds);
  }
}

/** Reads the part of the cache off a `Cache-Status` value (RFC 9211). */
export function cacheLabel(cacheStatus: string | undefined): CacheLabel {
  if (cacheStatus === undefined) return 'none';
  if (cacheStatus.includes('; hit')) return 'hit';
  return cacheStatus.includes('fwd=bypass') ? 'bypass' : 'miss';
}
