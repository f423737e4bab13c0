import type { ServiceFleet } from './service-fleet';

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

/** Everything that is done to a fleet while it is read and written; each resolves when it is over. */
export const FAULTS: Readonly<Record<string, (fleet: ServiceFleet) => Promise<unknown>>> = {
  'freeze an instance': async (fleet) => {
    const { child } = fleet.any();
    child.kill('SIGSTOP');
    await pause(50 + Math.random() * 3 * fleet.leaseMs);
    child.kill('SIGCONT');
  },
  'freeze Redis': async ({ primary, leaseMs }) => {
    primary.freeze();
    await pause(50 + Math.random() * 2 * leaseMs);
    primary.thaw();
  },
  'cut subscriptions': ({ primary }) => primary.command((client) => client.client('KILL', 'TYPE', 'pubsub')),
  'cut every connection of an instance': async (fleet) => fleet.any().proxy.cut(),
  'lose what an instance sends': (fleet) => oneWay(fleet, 'requests'),
  'lose what Redis answers': (fleet) => oneWay(fleet, 'answers'),
  'kill an instance': (fleet) => fleet.kill(fleet.any()),
  'restart Redis empty': async ({ primary, leaseMs }) => {
    await primary.kill();
    primary.forget();
    await pause(Math.random() * leaseMs);
    await primary.launch();
  },
  'restart Redis from an old snapshot': async ({ primary, leaseMs }) => {
    await primary.save();
    await pause(leaseMs);
    await primary.kill();
    await primary.launch();
  },
  'fail over to a replica': (fleet) => fleet.failOver(),
  'lose head': ({ primary }) => primary.command((client) => client.del('{strata}:head')),
  'lose everything': ({ primary }) => primary.command((client) => client.flushall()),
  'evict at random': async ({ primary, leaseMs }) => {
    await primary.command((client) => client.config('SET', 'maxmemory-policy', 'allkeys-random'));
    await primary.command((client) => client.config('SET', 'maxmemory', '1mb'));
    await pause(leaseMs);
    await primary.command((client) => client.config('SET', 'maxmemory', '0'));
    await primary.command((client) => client.config('SET', 'maxmemory-policy', 'noeviction'));
  },
};

/** Connections stay, and nothing gets through in one direction: what a broken switch does. */
async function oneWay(fleet: ServiceFleet, lost: 'requests' | 'answers'): Promise<void> {
  const { proxy } = fleet.any();
  proxy.lost = lost;
  await pause(50 + Math.random() * 2 * fleet.leaseMs);
  // Bytes are missing in the middle now: neither side could go on reading.
  proxy.cut();
  proxy.lost = 'nothing';
}

/** One fault after the other, round and round, until `isOver`. Tells how often each was inflicted. */
export async function inflictFaults(fleet: ServiceFleet, isOver: () => boolean): Promise<Record<string, number>> {
  const counts: Record<string, number> = {};
  while (!isOver()) {
    for (const [name, inflict] of Object.entries(FAULTS)) {
      await pause(200 + Math.random() * 400);
      if (isOver()) break;
      // A command of ours may be cut by the fault before: then this one was not inflicted.
      await inflict(fleet).then(
        () => (counts[name] = (counts[name] ?? 0) + 1),
        () => undefined,
      );
    }
  }
  return counts;
}
