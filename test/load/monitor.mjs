const EVERY_MS = 1_000;

/** Looks at an instance every second, through its public pages: what the cache did, what memory it takes. */
export class Monitor {
  samples = [];

  constructor(url) {
    this.url = url;
    this.startedAt = performance.now();
  }

  async start() {
    this.samples.push(await this.look());
    this.timer = setInterval(
      () =>
        void this.look().then(
          (sample) => this.samples.push(sample),
          () => undefined,
        ),
      EVERY_MS,
    );
  }

  async stop() {
    clearInterval(this.timer);
    this.samples.push(await this.look());
  }

  async look() {
    const ask = (path) => fetch(this.url + path).catch((error) => unreachable(this.url, error));
    const [stats, metrics] = await Promise.all([
      ask('/cache/stats').then((answer) => (answer.ok ? answer.json() : unreachable(this.url, answer.status))),
      ask('/metrics').then((answer) => (answer.ok ? answer.text() : '')),
    ]);
    const gauge = (name) => Number(new RegExp(`^${name}(?:\\{[^}]*\\})? (\\S+)$`, 'm').exec(metrics)?.[1] ?? NaN);
    return {
      at: (performance.now() - this.startedAt) / 1_000,
      stats,
      rssMb: gauge('process_resident_memory_bytes') / 1e6,
      heapMb: gauge('nodejs_heap_size_used_bytes') / 1e6,
    };
  }

  /** Shares of the requests to cached routes, from second to second and in all: L1, L2, neither. */
  tiers() {
    const first = this.samples[0];
    const last = this.samples.at(-1);
    const steps = this.samples
      .slice(1)
      .map((sample, index) => ({ at: sample.at, ...shares(this.samples[index], sample) }))
      .filter(({ requests }) => requests > 0);
    return { steps, total: shares(first, last) };
  }
}

/** Between two samples. `fromL2` are the hits that L1 did not have. */
function shares({ stats: before }, { stats: after }) {
  const requests = after.totalRequests - before.totalRequests;
  const hits = after.cacheHits - before.cacheHits;
  const fromL2 = Math.min(hits, after.redis.hits - before.redis.hits);
  const of = (count) => (requests === 0 ? 0 : count / requests);
  return { requests, hits, hitRate: of(hits), l1: of(hits - fromL2), l2: of(fromL2), missed: of(requests - hits) };
}

function unreachable(url, reason) {
  const why = reason instanceof Error ? (reason.cause?.message ?? reason.message) : `status ${reason} of /cache/stats`;
  throw new Error(`no Strata service answers at ${url}: ${why}`);
}
