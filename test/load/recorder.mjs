import { build } from 'hdr-histogram-js';

const histogram = () => build({ maxValue: 600_000_000, numberOfSignificantValueDigits: 3 });

/** What one phase has seen: latencies in microseconds, counts second by second, errors by their text. */
export class Recorder {
  /** Of cached routes alone; the kinds below tell the others. */
  latency = histogram();
  kinds = new Map();
  seconds = [];
  errors = new Map();
  requests = 0;
  errorCount = 0;
  /** How late requests left, against the moment they were due; open loop only. */
  lateness = histogram();
  startedAt = performance.now();

  /** `latencyMs` from the moment the request was due, so that a stall of the service counts for all it delays. */
  record({ kind, isCached }, latencyMs, error) {
    const micros = Math.max(0, Math.round(latencyMs * 1_000));
    const second = this.second();
    this.requests++;
    second.requests++;
    if (error !== undefined) {
      this.errorCount++;
      second.errors++;
      this.errors.set(error, (this.errors.get(error) ?? 0) + 1);
    }
    if (!this.kinds.has(kind)) this.kinds.set(kind, histogram());
    this.kinds.get(kind).recordValue(micros);
    if (!isCached) return;
    this.latency.recordValue(micros);
    second.latencies.push(micros);
  }

  /** A request that was due and could not leave: an error, and no latency, for a zero would flatter. */
  unsent({ kind }) {
    const error = `${kind}: not sent, too many wait`;
    const second = this.second();
    this.requests++;
    this.errorCount++;
    second.requests++;
    second.errors++;
    this.errors.set(error, (this.errors.get(error) ?? 0) + 1);
  }

  /** The phase in seconds so far. */
  get elapsed() {
    return (performance.now() - this.startedAt) / 1_000;
  }

  second() {
    const index = Math.floor(this.elapsed);
    while (this.seconds.length <= index) this.seconds.push({ requests: 0, errors: 0, latencies: [] });
    return this.seconds[index];
  }

  /** Second by second: requests, errors, and two percentiles in milliseconds. */
  series() {
    return this.seconds.map(({ requests, errors, latencies }) => {
      const sorted = Float64Array.from(latencies).sort();
      const at = (share) =>
        sorted.length === 0 ? null : sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] / 1_000;
      return { requests, errors, p50: at(0.5), p99: at(0.99) };
    });
  }
}
