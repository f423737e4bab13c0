import { Chaos } from './chaos';
import { Fleet, type Library } from './fleet';
import { Judge, type Violation } from '../judge';
import { Network } from './network';
import { LEASE_MS, type Profile } from './profiles';
import { Random } from './random';
import type { ServerRules } from './sim-server';
import { Workload } from './workload';
import { World } from './world';

/** What one schedule came to. */
export interface Report {
  readonly profile: string;
  readonly seed: number;
  readonly steps: number;
  /** Virtual milliseconds. */
  readonly ms: number;
  readonly reads: number;
  readonly writes: number;
  readonly deferred: number;
  /** Share of reads that L1 answered in the calm at the end. */
  readonly calmHits: number;
  readonly violations: readonly Violation[];
}

/** Longest that an operation may take once everything works. */
const STUCK_MS = 10 * LEASE_MS;
const CALM_SHARE = 0.75;

/**
 * Runs one schedule: everything in it follows from `profile` and `seed`. Three quarters of the steps with
 * faults, then calm, in which L1 must serve again and every operation must end.
 */
export async function run(
  library: Library,
  profile: Profile,
  seed: number,
  { steps = 5_000, rules = {} }: { steps?: number; rules?: ServerRules } = {},
): Promise<Report> {
  const world = new World(new Random(seed));
  const network = new Network(world, profile, rules);
  const fleet = new Fleet(library, world, network, profile);
  const judge = new Judge(() => world.now, Workload.KEYS, profile.maxStaleMs);
  const workload = new Workload(world, fleet, judge, profile);
  const chaos = new Chaos(world, network, fleet, workload, profile);
  workload.begin();
  chaos.begin();
  while (world.steps < steps * CALM_SHARE && judge.violations.length === 0) await world.step();
  chaos.end();
  const calmFrom = world.now + 5 * LEASE_MS;
  workload.restsFrom = calmFrom;
  let counted: Counts | undefined;
  while ((world.steps < steps || world.now < calmFrom + 2 * LEASE_MS) && judge.violations.length === 0) {
    await world.step();
    if (counted === undefined && world.now > calmFrom) counted = counts(fleet);
  }
  const calmHits = counted === undefined ? 1 : share(counted, counts(fleet));
  // What was begun must end; nothing else happens but heartbeats.
  workload.over = true;
  const end = world.now + STUCK_MS;
  while (world.now < end && workload.open.size > 0 && judge.violations.length === 0) await world.step();
  if (judge.violations.length === 0) judgeTheEnd(judge, workload, profile, calmHits);
  for (const { host } of fleet.instances) host.dead = true;
  const { reads, writes, deferred, violations } = judge;
  return {
    profile: profile.name,
    seed,
    steps: world.steps,
    ms: world.now,
    reads,
    writes,
    deferred,
    calmHits,
    violations,
  };
}

function judgeTheEnd(judge: Judge, workload: Workload, profile: Profile, calmHits: number): void {
  for (const { since, what, instance } of workload.open.values()) {
    if (!instance.host.dead) judge.blame('stuck', `${what}, begun at ${since}`);
  }
  if (calmHits < profile.calmHits)
    judge.blame('calm', `L1 answered only ${(100 * calmHits).toFixed(0)} % once all was calm`);
}

interface Counts {
  readonly hits: number;
  readonly misses: number;
}

function counts({ instances }: Fleet): Counts {
  const all = instances.map(({ cache }) => cache.counters.local);
  return { hits: sum(all.map(({ hits }) => hits)), misses: sum(all.map(({ misses }) => misses)) };
}

const sum = (numbers: number[]): number => numbers.reduce((a, b) => a + b, 0);

function share(from: Counts, to: Counts): number {
  const [hits, misses] = [to.hits - from.hits, to.misses - from.misses];
  return hits + misses === 0 ? 1 : hits / (hits + misses);
}
