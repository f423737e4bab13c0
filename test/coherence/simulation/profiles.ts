/** One mix of faults. Times are virtual milliseconds; a lease is {@link LEASE_MS}. */
export interface Profile {
  readonly name: string;
  /** What may go wrong; one of them every {@link Profile.faultEvery} on average. */
  readonly faults: readonly Fault[];
  readonly faultEvery: number;
  /** Longest freeze or partition, in leases. */
  readonly longest: number;
  readonly instances: number;
  /** Factor on the share of slow messages. */
  readonly slowness: number;
  /** The same for commands and their answers alone. */
  readonly commandSlowness: number;
  /** Clocks go wrong by up to this fraction. */
  readonly drift: number;
  readonly maxStaleMs: number;
  readonly maxTags: number;
  readonly recentSize: number;
  /** Entries are at a node of their own, on a connection of their own. */
  readonly cluster: boolean;
  /** Readers declare different tags for the same key, as during a rolling deploy. */
  readonly rolling: boolean;
  /** Loads fail now and then. */
  readonly failingLoads: boolean;
  /** Longest load. */
  readonly loadMs: number;
  /** Mean pause between two operations of the whole fleet. */
  readonly every: number;
  /** Least share of reads that L1 answers once everything is calm again. */
  readonly calmHits: number;
}

export type Fault =
  | 'freeze'
  | 'suspend'
  | 'crash'
  | 'stop'
  | 'cutCommands'
  | 'cutSubscription'
  | 'halfOpen'
  | 'partition'
  | 'partitionOneWay'
  | 'freezeServer'
  | 'restartEmpty'
  | 'restartSaved'
  | 'restartWhole'
  | 'evictHead'
  | 'evictRecent'
  | 'evictTag'
  | 'evictEntry'
  | 'evictLease'
  | 'stepWall';

export const LEASE_MS = 100;

const BASE: Omit<Profile, 'name'> = {
  faults: [],
  faultEvery: 60,
  longest: 3,
  instances: 3,
  slowness: 1,
  commandSlowness: 1,
  drift: 0,
  maxStaleMs: 0,
  maxTags: 1_000,
  recentSize: 50,
  cluster: false,
  rolling: false,
  failingLoads: false,
  loadMs: 12,
  every: 1.2,
  calmHits: 0.2,
};

const profile = (name: string, given: Partial<Profile> = {}): Profile => ({ ...BASE, name, ...given });

const EVICTIONS: Fault[] = ['evictHead', 'evictRecent', 'evictTag', 'evictEntry', 'evictLease'];
const RESTARTS: Fault[] = ['restartEmpty', 'restartSaved', 'restartWhole'];
const LOSSES: Fault[] = ['cutCommands', 'cutSubscription', 'halfOpen', 'partition', 'partitionOneWay'];
const PROCESSES: Fault[] = ['freeze', 'suspend', 'crash', 'stop', 'freezeServer'];

/**
 * `stepWall` and `suspend` never meet: with the wall clock set back while the monotonic one stands still, no clock
 * is left that could tell (`docs/concepts/consistency.md`, "Not promised").
 *
 * Profiles for single faults beside the general mixes: a general mix alone was seen to miss what only one
 * kind of fault, repeated, brings to light.
 */
export const PROFILES: readonly Profile[] = [
  profile('none'),
  profile('slow', { slowness: 8 }),
  profile('slowCommands', { commandSlowness: 6, every: 0.6 }),
  profile('hot', { loadMs: 60, every: 0.5, calmHits: 0.05 }),
  profile('freeze', { faults: ['freeze'] }),
  profile('suspend', { faults: ['suspend'] }),
  profile('crash', { faults: ['crash', 'stop'] }),
  profile('cutCommands', { faults: ['cutCommands'], faultEvery: 30 }),
  profile('cutSubscription', { faults: ['cutSubscription'], faultEvery: 30 }),
  profile('halfOpen', { faults: ['halfOpen'], faultEvery: 50 }),
  profile('partition', { faults: ['partition'] }),
  profile('partitionOneWay', { faults: ['partitionOneWay'] }),
  profile('freezeServer', { faults: ['freezeServer'], faultEvery: 120 }),
  profile('restartEmpty', { faults: ['restartEmpty'], faultEvery: 120 }),
  profile('restartSaved', { faults: ['restartSaved'], faultEvery: 100 }),
  profile('restartMixed', { faults: RESTARTS, faultEvery: 100 }),
  profile('evictHead', { faults: ['evictHead'] }),
  profile('epochs', { faults: ['evictHead'], faultEvery: 40, commandSlowness: 6 }),
  profile('evictTag', { faults: ['evictTag', 'evictRecent'], faultEvery: 8 }),
  profile('evictAny', { faults: EVICTIONS, faultEvery: 15 }),
  profile('stepWall', { faults: ['stepWall', 'freeze'] }),
  profile('drift', { faults: ['freeze', 'halfOpen'], drift: 0.02 }),
  profile('rolling', { rolling: true, faults: ['cutSubscription'] }),
  profile('cluster', { cluster: true, commandSlowness: 4, faults: ['cutCommands', ...RESTARTS], faultEvery: 60 }),
  profile('smallTable', { maxTags: 2, recentSize: 3, calmHits: 0.05 }),
  profile('maxStale', {
    maxStaleMs: 250,
    longest: 10,
    faults: ['partition', 'cutSubscription', 'halfOpen'],
    faultEvery: 40,
  }),
  profile('failingLoads', { calmHits: 0.1, failingLoads: true, faults: ['freeze', 'cutSubscription'] }),
  profile('many', { instances: 8, every: 0.8, calmHits: 0.1, faults: ['freeze', 'crash', 'halfOpen'] }),
  profile('processes', { faults: PROCESSES, drift: 0.01 }),
  profile('losses', { faults: LOSSES, faultEvery: 40 }),
  profile('all', {
    faults: [...PROCESSES, ...LOSSES, ...RESTARTS, ...EVICTIONS],
    faultEvery: 30,
    drift: 0.01,
  }),
];
