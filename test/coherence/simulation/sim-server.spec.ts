import { CacheError, Strata, type RemoteStore } from '@strata/cache/core';
import { remoteStoreContract } from '@strata/cache/testing';
import { LruLocalStore } from '../../../libs/cache/src/drivers/memory/lru-local-store';
import { PROFILES } from './profiles';
import { Random } from './random';
import { run } from './run';
import { SimServer } from './sim-server';

/** The simulated server without a network. */
function directly(): RemoteStore {
  const nobody = { toAll: () => undefined, echo: () => undefined };
  const server = new SimServer(() => 0, nobody);
  const opening = { run: server.run, epoch: '0123456789abcdef', sentAtSeq: 0 };
  return {
    available: true,
    holdsEntries: true,
    read: async (key, tags) => server.readTags(tags, server.bytesOf(key), server.readHead(tags, server.run)),
    readTags: async (tags) => server.readTags(tags, undefined, server.readHead(tags, server.run)),
    grant: async (request) => server.grant(request, opening),
    fill: async (request) => {
      server.settle(request, opening);
      return server.store(request);
    },
    release: async (key, token) => server.release(key, token),
    invalidate: async (message) => server.invalidate(message, opening),
    heartbeat: async (member, beat) => server.heartbeat(member, beat, opening),
    removeMember: async (member, mark) => server.removeMember(member, mark),
  };
}

describe('the simulation is sound', () => {
  it.each(remoteStoreContract.map(({ name, run: check }) => [name, check] as const))(
    'its server keeps the contract of stores: %s',
    async (_name, check) => check(directly()),
  );

  it('a seed gives the same schedule again, and another seed another one', async () => {
    const library = { Strata, CacheError, LruLocalStore };
    const all = PROFILES.find(({ name }) => name === 'all')!;
    const [first, again, other] = [
      await run(library, all, 7, { steps: 2_000 }),
      await run(library, all, 7, { steps: 2_000 }),
      await run(library, all, 8, { steps: 2_000 }),
    ];
    expect(again).toEqual(first);
    expect(other).not.toEqual({ ...first, seed: 8 });
  });

  it('draws evenly', () => {
    const random = new Random(1);
    const counts = Array.from({ length: 10 }, () => 0);
    for (let i = 0; i < 10_000; i++) counts[random.below(10)]!++;
    for (const count of counts) expect(count).toBeGreaterThan(850);
  });
});
