import assert from 'node:assert/strict';
import { BORN_OFFSET } from '../core/codec';
import type { Head, LoadWish, RemoteStore } from '../core/ports/remote-store';

/** One promise of a port, as a test that any runner can run. */
export interface ContractCase<P> {
  readonly name: string;
  readonly run: (subject: P) => Promise<void>;
}

const LEASE = { leaseMs: 5_000, tagTtlMs: 60_000, takeOver: false };
const TOKENS = ['00000000-0000-0000-0000-00000000000a', '00000000-0000-0000-0000-00000000000b'] as const;
let ids = 0;
const message = (tags: string[], mode: 'delete' | 'expire' = 'delete') => ({
  id: `i${++ids}`,
  origin: 'me',
  mode,
  tags,
});

/** Bytes that carry `born` where the wire format has it; the rest is up to the tier. */
function bytes(born: Head, text: string): Buffer {
  const header = Buffer.alloc(64);
  header.write(born.epoch, BORN_OFFSET, 8, 'hex');
  header.writeBigUInt64BE(BigInt(born.seq), BORN_OFFSET + 8);
  return Buffer.concat([header, Buffer.from(text)]);
}

const fill = (store: RemoteStore, key: string, born: Head, text: string, tags: string[], token?: string) =>
  store.fill({ key, bytes: bytes(born, text), born, tags, ttlMs: 60_000, token });

/**
 * What every {@link RemoteStore} must do. Run each case on an empty store:
 * `for (const { name, run } of remoteStoreContract) it(name, async () => run(await makeStore()))`.
 */
export const remoteStoreContract: readonly ContractCase<RemoteStore>[] = [
  {
    name: 'knows nothing at first: no bytes, no tag versions',
    run: async (store: RemoteStore): Promise<void> => {
      const read = await store.read('k', ['t:a', '*'], 1_000);
      assert.equal(read.bytes, undefined);
      assert.deepEqual(read.versions, [undefined, undefined]);
    },
  },
  {
    name: 'grants a load with a version that its tags do not exceed, and keeps what was filled',
    run: async (store: RemoteStore): Promise<void> => {
      const grant = await store.grant({ key: 'k', tags: ['t:a', '*'], token: TOKENS[0], ...LEASE });
      assert.equal(grant.granted, true);
      assert.equal(await fill(store, 'k', grant, 'v', ['t:a', '*'], TOKENS[0]), true);
      const read = await store.read('k', ['t:a', '*'], 1_000);
      assert.equal(read.bytes?.subarray(64).toString(), 'v');
      assert.equal(read.head?.epoch, grant.epoch);
      for (const version of read.versions) assert.ok(version !== undefined && version.deleted <= grant.seq);
    },
  },
  {
    name: 'may leave out versions that nobody asks for: bytes, and leave to load, are the same',
    run: async (store: RemoteStore): Promise<void> => {
      const { takeOver: _never, ...wish } = LEASE;
      const ask = (leave?: LoadWish) => store.read('k', ['t:a', '*'], 1_000, leave, true);
      assert.equal((await ask()).bytes, undefined);
      const first = await ask({ ...wish, token: TOKENS[0] });
      const born = first.grant ?? (await store.grant({ key: 'k', tags: ['t:a', '*'], token: TOKENS[0], ...LEASE }));
      assert.equal(born.granted, true);
      for (const version of (await store.readTags(['t:a', '*'])).versions)
        assert.ok(version !== undefined && version.deleted <= born.seq);
      await fill(store, 'k', born, 'v', ['t:a', '*'], TOKENS[0]);
      for (const leave of [undefined, { ...wish, token: TOKENS[1] }]) {
        const found = await ask(leave);
        assert.equal(found.bytes?.subarray(64).toString(), 'v');
        assert.equal(found.versions.length, found.isBare === true ? 0 : 2);
        assert.equal(found.grant, undefined);
      }
    },
  },
  {
    name: 'gives the load lease to one loader at a time, and back only to its owner',
    run: async (store: RemoteStore): Promise<void> => {
      const ask = (token: string, takeOver = false) =>
        store.grant({ key: 'k', tags: ['t:a'], token, ...LEASE, takeOver });
      assert.equal((await ask(TOKENS[0])).granted, true);
      assert.equal((await ask(TOKENS[1])).granted, false);
      await store.release('k', TOKENS[1]);
      assert.equal((await ask(TOKENS[1])).granted, false);
      await store.release('k', TOKENS[0]);
      assert.equal((await ask(TOKENS[1])).granted, true);
      assert.equal((await ask(TOKENS[0], true)).granted, true);
    },
  },
  {
    name: 'may grant a load where it finds nothing, by the rules of a grant, and never where it finds something',
    run: async (store: RemoteStore): Promise<void> => {
      const { takeOver: _never, ...wish } = LEASE;
      const tags = ['t:a', '*'];
      const look = async (i: 0 | 1) => (await store.read('k', tags, 1_000, { ...wish, token: TOKENS[i] })).grant;
      const first = await look(0);
      // A store may leave it to `grant`.
      if (first === undefined) return;
      assert.deepEqual([first.granted, first.filled ?? false], [true, false]);
      for (const version of (await store.readTags(tags)).versions)
        assert.ok(version !== undefined && version.deleted <= first.seq);
      assert.equal((await look(1))?.granted, false);
      await store.invalidate(message(['t:a']));
      const second = (await look(1))!;
      assert.ok(second.granted && second.seq > first.seq);
      // It is the second one's now: the first can neither give it back nor have it.
      await store.release('k', TOKENS[0]);
      assert.equal((await look(0))?.granted, false);
      await store.invalidate(message(['*']));
      const third = (await look(1))!;
      assert.ok(third.granted && third.seq > second.seq);
      await fill(store, 'k', third, 'v', tags, TOKENS[1]);
      const found = await store.read('k', tags, 1_000, { ...wish, token: TOKENS[0] });
      assert.equal(found.grant, undefined);
      assert.equal(found.bytes?.subarray(64).toString(), 'v');
    },
  },
  {
    name: 'tells who asks right after a fill to look again, unless the fill is invalid by then',
    run: async (store: RemoteStore): Promise<void> => {
      const ask = (token: string, takeOver = false) =>
        store.grant({ key: 'k', tags: ['t:a'], token, ...LEASE, takeOver });
      await fill(store, 'k', await ask(TOKENS[0]), 'v', ['t:a'], TOKENS[0]);
      const late = await ask(TOKENS[1]);
      assert.deepEqual([late.granted, late.filled], [false, true]);
      assert.equal((await ask(TOKENS[1], true)).granted, true);
      await fill(store, 'k', await ask(TOKENS[0], true), 'v', ['t:a'], TOKENS[0]);
      await store.invalidate(message(['t:a']));
      assert.equal((await ask(TOKENS[1])).granted, true);
    },
  },
  {
    name: 'does not make a reader wait for a loader whose value is invalid already',
    run: async (store: RemoteStore): Promise<void> => {
      await store.grant({ key: 'k', tags: ['t:a'], token: TOKENS[0], ...LEASE });
      await store.invalidate(message(['t:a']));
      const next = await store.grant({ key: 'k', tags: ['t:a'], token: TOKENS[1], ...LEASE });
      assert.equal(next.granted, true);
    },
  },
  {
    name: 'raises tags above every version granted before; expire leaves deleted alone',
    run: async (store: RemoteStore): Promise<void> => {
      const grant = await store.grant({ key: 'k', tags: ['t:a', 't:b'], token: TOKENS[0], ...LEASE });
      const first = await store.invalidate(message(['t:a']));
      const second = await store.invalidate(message(['t:b'], 'expire'));
      assert.ok(grant.seq < first.seq && first.seq < second.seq);
      const [a, b] = (await store.readTags(['t:a', 't:b'])).versions;
      assert.deepEqual(a, { deleted: first.seq, expired: first.seq });
      assert.ok(b !== undefined && b.deleted <= grant.seq && b.expired === second.seq);
    },
  },
  {
    name: 'an invalidation tells the newest version that its tags had before; an unknown one counts as new',
    run: async (store: RemoteStore): Promise<void> => {
      const grant = await store.grant({ key: 'k', tags: ['t:a', 't:b'], token: TOKENS[0], ...LEASE });
      const first = await store.invalidate(message(['t:a']));
      assert.ok(first.prior !== undefined && first.prior <= grant.seq);
      const expired = await store.invalidate(message(['t:b'], 'expire'));
      assert.equal((await store.invalidate(message(['t:a', 't:b']))).prior, expired.seq);
      const unknown = await store.invalidate(message(['t:never']));
      assert.equal(unknown.prior, unknown.seq);
    },
  },
  {
    name: 'an unknown tag is never set below the current version, in either mode',
    run: async (store: RemoteStore): Promise<void> => {
      const { seq } = await store.invalidate(message(['t:new'], 'expire'));
      const [version] = (await store.readTags(['t:new'])).versions;
      assert.deepEqual(version, { deleted: seq, expired: seq });
    },
  },
  {
    name: 'a tag first named by a fill counts as invalidated if it was, between the grant and the fill',
    run: async (store: RemoteStore): Promise<void> => {
      const grant = await store.grant({ key: 'k', tags: ['t:a'], token: TOKENS[0], ...LEASE });
      await store.invalidate(message(['t:learnt']));
      await fill(store, 'k', grant, 'v', ['t:a', 't:learnt'], TOKENS[0]);
      const [version] = (await store.readTags(['t:learnt'])).versions;
      assert.ok(version !== undefined && version.deleted > grant.seq);
    },
  },
  {
    name: 'an older fill never replaces a newer one',
    run: async (store: RemoteStore): Promise<void> => {
      const old = await store.grant({ key: 'k', tags: ['t:a'], token: TOKENS[0], ...LEASE });
      await store.invalidate(message(['t:a']));
      const fresh = await store.grant({ key: 'k', tags: ['t:a'], token: TOKENS[1], ...LEASE });
      assert.equal(await fill(store, 'k', fresh, 'new', ['t:a'], TOKENS[1]), true);
      assert.equal(await fill(store, 'k', old, 'old', ['t:a'], TOKENS[0]), false);
      assert.equal((await store.read('k', [], 1_000)).bytes?.subarray(64).toString(), 'new');
    },
  },
  {
    name: 'may be told what leave was given with, and loses nothing by it',
    run: async (store: RemoteStore): Promise<void> => {
      const tags = ['k:c:k', '*', 't:a'];
      const ask = (token: string) => store.grant({ key: 'k', tags, token, ...LEASE });
      const told = (born: Head, text: string, all: string[], token: string) =>
        store.fill({
          ...{ key: 'k', bytes: bytes(born, text), born, tags: all, ttlMs: 50_000, token },
          ...{ settled: tags.length, wasAbsent: true },
        });
      const old = await ask(TOKENS[0]);
      await store.invalidate(message(['t:a']));
      const fresh = await ask(TOKENS[1]);
      assert.equal(fresh.granted, true);
      await store.invalidate(message(['t:learnt']));
      assert.equal(await told(fresh, 'new', [...tags, 't:learnt'], TOKENS[1]), true);
      // Nothing was there when leave was given, and by now there is.
      assert.equal(await told(old, 'old', tags, TOKENS[0]), false);
      const read = await store.read('k', [...tags, 't:learnt'], 1_000);
      assert.equal(read.bytes?.subarray(64).toString(), 'new');
      for (const version of read.versions.slice(0, 3)) assert.ok(version !== undefined && version.deleted <= fresh.seq);
      assert.ok(read.versions[3] !== undefined && read.versions[3].deleted > fresh.seq);
      // The lease has ended.
      assert.deepEqual((await ask(TOKENS[0])).filled, true);
    },
  },
  {
    name: 'names every member that has sent a heartbeat, and forgets one only under its own mark',
    run: async (store: RemoteStore): Promise<void> => {
      await store.heartbeat('m1', 1);
      const counted = (await store.heartbeat('m2', 1)).members;
      const { members } = await store.invalidate(message(['t:a']));
      assert.ok(members.has('m1') && members.has('m2'));
      assert.equal(counted, members.size);
      await store.heartbeat('m1', 2);
      await store.removeMember('m1', members.get('m1'));
      await store.removeMember('m2', members.get('m2'));
      const later = (await store.invalidate(message(['t:a']))).members;
      assert.deepEqual([later.has('m1'), later.has('m2')], [true, false]);
    },
  },
  {
    name: 'begins with an unknown member, whom the first writers have to wait for',
    run: async (store: RemoteStore): Promise<void> => {
      const { unknownMember } = await store.heartbeat('m1', 1);
      assert.ok(unknownMember !== undefined);
      await store.removeMember('?', unknownMember);
      assert.equal((await store.heartbeat('m1', 2)).unknownMember, undefined);
    },
  },
];
