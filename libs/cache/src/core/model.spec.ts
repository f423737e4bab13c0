import fc from 'fast-check';
import { LruLocalStore } from '../drivers/memory/lru-local-store';
import { FakeClock, MemoryFleet, settle } from '../testing';
import { Strata } from './strata';
import type { TieredCache } from './tiered-cache';

const KEYS = ['a', 'b', 'c'] as const;
const TAGS = ['x', 'y'] as const;
const LEASE_MS = 1_000;

interface Kept {
  readonly value: number;
  readonly tags: readonly string[];
  readonly freshUntil: number;
}

/** The simplest cache that could be right: one map, nothing distributed. */
class Model {
  private readonly kept = new Map<string, Kept>();

  constructor(private readonly clock: FakeClock) {}

  get(key: string): number | undefined {
    const kept = this.kept.get(key);
    return kept !== undefined && this.clock.now() < kept.freshUntil ? kept.value : undefined;
  }

  put(key: string, value: number, tags: readonly string[], ttl: number): void {
    this.kept.delete(key);
    if (ttl > 0) this.kept.set(key, { value, tags, freshUntil: this.clock.now() + ttl });
  }

  drop(hit: (key: string, kept: Kept) => boolean): void {
    for (const [key, kept] of this.kept) if (hit(key, kept)) this.kept.delete(key);
  }
}

/** The system under test: some instances on one fleet, and a number that says what a loader would find. */
interface Real {
  readonly clock: FakeClock;
  readonly caches: readonly TieredCache<number>[];
  readonly instances: readonly Strata[];
  source: number;
}

type Command = fc.AsyncCommand<Model, Real>;

function command(name: string, run: (model: Model, real: Real) => Promise<void>): Command {
  return { check: () => true, run, toString: () => name };
}

const key = fc.constantFrom(...KEYS);
const tags = fc.subarray([...TAGS]);
const ttl = fc.constantFrom(0, 300, 60_000);
const at = fc.nat({ max: 1 });

const commands: fc.Arbitrary<Command>[] = [
  fc.record({ at, key }).map((op) =>
    command(`get(${op.key}) at ${op.at}`, async (model, { caches }) => {
      expect(await caches[op.at]!.get(op.key)).toBe(model.get(op.key));
    }),
  ),
  fc.record({ at, key, tags, ttl }).map((op) =>
    command(`getOrSet(${op.key}, ${op.tags.join('+')}, ttl ${op.ttl}) at ${op.at}`, async (model, real) => {
      const cache = real.caches[op.at]!;
      let loads = 0;
      const load = (): number => (loads++, ++real.source);
      // The tags are learnt, so that a reader need not declare what another reader did.
      const got = await cache.getOrSet(op.key, ({ addTags }) => (addTags(...op.tags), load()), { ttl: op.ttl });
      await cache.settled();
      const known = model.get(op.key);
      expect([got, loads]).toEqual(known === undefined ? [real.source, 1] : [known, 0]);
      if (known === undefined) model.put(op.key, real.source, op.tags, op.ttl);
    }),
  ),
  fc.record({ at, keys: fc.uniqueArray(key) }).map((op) =>
    command(`getOrSetMany(${op.keys.join()}) at ${op.at}`, async (model, real) => {
      const cache = real.caches[op.at]!;
      const asked: string[] = [];
      const load = (missing: readonly string[]) => (asked.push(...missing), new Map(missing.map((k) => [k, 7])));
      const got = await cache.getOrSetMany(op.keys, load);
      await cache.settled();
      expect(asked.sort()).toEqual(op.keys.filter((k) => model.get(k) === undefined).sort());
      for (const k of op.keys) {
        expect(got.get(k)).toBe(model.get(k) ?? 7);
        if (model.get(k) === undefined) model.put(k, 7, [], 60_000);
      }
    }),
  ),
  fc.record({ at, key, tags, ttl }).map((op) =>
    command(`set(${op.key}, ${op.tags.join('+')}, ttl ${op.ttl}) at ${op.at}`, async (model, real) => {
      const value = ++real.source;
      await real.caches[op.at]!.set(op.key, value, { tags: op.tags, ttl: op.ttl });
      model.put(op.key, value, op.tags, op.ttl);
    }),
  ),
  fc.record({ at, keys: fc.uniqueArray(key) }).map((op) =>
    command(`deleteMany(${op.keys.join()}) at ${op.at}`, async (model, { caches }) => {
      await caches[op.at]!.deleteMany(op.keys);
      model.drop((k) => op.keys.includes(k as never));
    }),
  ),
  fc.record({ at, key }).map((op) =>
    command(`expire(${op.key}) at ${op.at}`, async (model, { caches }) => {
      await caches[op.at]!.expire(op.key);
      model.drop((k) => k === op.key);
    }),
  ),
  fc.record({ at, tags, mode: fc.constantFrom('delete' as const, 'expire' as const) }).map((op) =>
    command(`invalidateTags(${op.tags.join()}, ${op.mode}) at ${op.at}`, async (model, { instances }) => {
      await instances[op.at]!.invalidateTags(op.tags, { mode: op.mode });
      model.drop((_, kept) => kept.tags.some((tag) => op.tags.includes(tag as never)));
    }),
  ),
  at.map((where) =>
    command(`clear() at ${where}`, async (model, { caches }) => {
      await caches[where]!.clear();
      model.drop(() => true);
    }),
  ),
  at.map((where) => command(`clearLocal() at ${where}`, async (_, { caches }) => caches[where]!.clearLocal())),
  fc.constantFrom(100, 250, 700, 5_000).map((ms) =>
    command(`advance(${ms})`, async (_, { clock }) => {
      await clock.advance(ms);
    }),
  ),
];

async function setup(count: number): Promise<Real> {
  const clock = new FakeClock();
  const fleet = new MemoryFleet(clock);
  const instances = Array.from(
    { length: count },
    () =>
      new Strata({
        remote: fleet.remote(),
        bus: fleet.bus(),
        createLocalStore: (bounds, listener) => new LruLocalStore(bounds, listener, clock),
        leaseMs: LEASE_MS,
        clock,
      }),
  );
  const starting = Promise.all(instances.map((instance) => instance.start()));
  // Until the unknown member of a fresh fleet is forgotten, writes would wait on a clock that stands still.
  await clock.advance(2 * LEASE_MS);
  await starting;
  const caches = instances.map((instance) => instance.cache<number>('test', { ttl: 60_000, maxEntries: 100 }));
  return { clock, caches, instances, source: 0 };
}

describe('any sequence of operations, on two instances, ends as one map would', () => {
  it('holds for random sequences', async () => {
    await fc.assert(
      fc.asyncProperty(fc.commands(commands, { size: 'medium', maxCommands: 40 }), async (sequence) => {
        const real = await setup(2);
        await fc.asyncModelRun(() => ({ model: new Model(real.clock), real }), sequence);
        await Promise.all(real.instances.map((instance) => instance.close()));
        await settle();
        // Nothing is left behind: no load, no store, and no timer but those of load leases nobody waits for.
        for (const cache of real.caches) await cache.settled();
      }),
      { numRuns: 150 },
    );
  }, 60_000);
});
