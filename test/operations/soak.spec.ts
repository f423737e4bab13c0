import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { text } from 'node:stream/consumers';

interface Sample {
  readonly at: number;
  readonly atRest?: true;
  readonly resources: Record<string, number>;
  readonly tables: { tagsHeard: number; deferredTags: number; flights: number };
  readonly caches: Record<string, { size: number; bytes: number; bounds: { maxEntries: number; maxBytes: number } }>;
  readonly alive: { responses: number; loadings: number };
  readonly outages: number;
}

const LANES = 3;

describe('a minute of churn, with the connections to Redis cut again and again (npm run soak, short form)', () => {
  let result: { samples: Sample[]; requests: number; failures: [string, number][] };
  const busy = (): Sample[] => result.samples.filter(({ atRest }) => !atRest);
  const atRest = (): Sample => result.samples.at(-1)!;

  beforeAll(async () => {
    const child = spawn(process.execPath, ['test/soak/soak.mjs', '--minutes', '1', '--lanes', String(LANES), '--json']);
    const [printed, complaints] = [text(child.stdout), text(child.stderr)];
    const [code] = (await once(child, 'exit')) as [number];
    expect([code, await complaints]).toEqual([0, '']);
    result = JSON.parse(await printed) as typeof result;
  }, 150_000);

  it('was churn: thousands of requests, several outages, no failure that a caller sees', () => {
    expect(result.requests).toBeGreaterThan(2_000);
    expect(atRest().outages).toBeGreaterThanOrEqual(2);
    expect(result.failures).toEqual([]);
    expect(busy().length).toBeGreaterThan(10);
  });

  it('keeps every cache within its bounds', () => {
    for (const { caches } of result.samples) {
      for (const { size, bytes, bounds } of Object.values(caches)) {
        expect(size).toBeLessThanOrEqual(bounds.maxEntries);
        expect(bytes).toBeLessThanOrEqual(bounds.maxBytes);
      }
    }
    // It was full: more keys than places.
    expect(atRest().caches['http']!.size).toBeGreaterThan(0.5 * atRest().caches['http']!.bounds.maxEntries);
  });

  it('keeps its tables within their bounds', () => {
    for (const { tables } of result.samples) {
      expect(tables.tagsHeard).toBeLessThanOrEqual(100_000);
      expect(tables.deferredTags).toBeLessThanOrEqual(10_000);
      // A request has at most one load under way, and one refresh behind it.
      expect(tables.flights).toBeLessThanOrEqual(4 * LANES);
    }
    expect(atRest().tables.flights).toBe(0);
  });

  it('lets nothing outlive its request or its load', () => {
    for (const { alive } of busy()) {
      expect(alive.responses).toBeLessThanOrEqual(4 * LANES);
      expect(alive.loadings).toBeLessThanOrEqual(4 * LANES);
    }
    expect(atRest().alive).toEqual({ responses: 0, loadings: 0 });
  });

  it('has no more sockets and timers at the end than what is in use, reconnects and all', () => {
    for (const { resources } of result.samples) {
      // The load's connections, the pool of PostgreSQL, two to Redis that may be there twice while they are replaced.
      expect(resources['TCPSocketWrap'] ?? 0).toBeLessThanOrEqual(LANES + 20 + 4 + 4);
      expect(resources['Timeout'] ?? 0).toBeLessThanOrEqual(60);
    }
  });
});
