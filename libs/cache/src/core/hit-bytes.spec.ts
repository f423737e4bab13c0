import { Session } from 'node:inspector/promises';
import { systemClock } from './ports/clock';
import type { TieredCache } from './tiered-cache';
import { localStrata } from '../testing';

interface Node {
  readonly selfSize: number;
  readonly children: readonly Node[];
}

const RUNS = 20_000;
const sizeOf = ({ selfSize, children }: Node): number => children.reduce((sum, child) => sum + sizeOf(child), selfSize);

/** Bytes that one run of `work` puts on the heap, whether or not they are still there; after the compiler has seen it. */
async function bytesOf(work: () => unknown): Promise<number> {
  const session = new Session();
  session.connect();
  for (let i = 0; i < 2 * RUNS; i++) work();
  const everything = { includeObjectsCollectedByMajorGC: true, includeObjectsCollectedByMinorGC: true };
  await session.post('HeapProfiler.startSampling', { samplingInterval: 512, ...everything });
  for (let i = 0; i < RUNS; i++) work();
  const { profile } = await session.post('HeapProfiler.stopSampling');
  session.disconnect();
  return sizeOf(profile.head) / RUNS;
}

describe('what a hit in L1 leaves on the heap', () => {
  /** What two clocks say: a number of 64 bits is an object in V8. The rest is room for the method of measuring. */
  const TWO_NUMBERS = 32 + 24;
  const never = (): number => {
    throw new Error('a hit loads nothing');
  };
  let cache: TieredCache<number>;

  beforeAll(async () => {
    const { strata } = localStrata({ coherence: 'acknowledged', clock: systemClock });
    strata.state.grantLease(systemClock.monotonic(), systemClock.now(), 3_600_000);
    cache = strata.cache<number>('bytes', { ttl: '1h' });
    await cache.getOrSet('k', () => 1);
  });

  it('peek: nothing', async () => {
    expect(await bytesOf(() => cache.peek('k'))).toBeLessThan(TWO_NUMBERS);
  });

  it('getOrSet: nothing but the promise of the first', async () => {
    expect(await bytesOf(() => Promise.resolve(1))).toBeGreaterThan(16);
    expect(await bytesOf(() => cache.getOrSet('k', never))).toBeLessThan(TWO_NUMBERS);
  });
});
