import { Redis } from 'ioredis';
import type { Grant, Head } from '@strata/cache/core';
import { Names, RedisRemoteStore, type RedisLink } from '@strata/cache/redis';
import { leaseIn } from '../support/load-lease';
import { openLink } from '../support/redis-link';
import { RedisServer } from '../support/redis-server';

const KEY = 'c:k';
const TAGS = ['k:c:k', '*', '*:c', 't:a'];
const TAG = '{ns}:tag:k:c:k';
const token = (i: number): string => `${i}`.repeat(36);

describe('a load lease is kept with the tag of its key', () => {
  let redis: RedisServer;
  let link: RedisLink;
  let client: Redis;
  let store: RedisRemoteStore;

  beforeAll(async () => {
    redis = await RedisServer.start();
    link = await openLink(redis.url);
    client = new Redis(redis.url);
    store = new RedisRemoteStore(link, new Names('ns'));
  });

  beforeEach(() => client.flushall());

  afterAll(async () => {
    await client.quit();
    link.close();
    await redis.stop();
  });

  const terms = (i: number, leaseMs = 5_000) => ({ token: token(i), leaseMs, tagTtlMs: 60_000 });
  const ways = {
    look: async (i: number, leaseMs?: number) => (await store.read(KEY, TAGS, 1_000, terms(i, leaseMs))).grant!,
    grant: (i: number, leaseMs?: number) =>
      store.grant({ key: KEY, tags: TAGS, takeOver: false, ...terms(i, leaseMs) }),
  };
  const fill = (i: number, born: Head, settled = TAGS.length, ttlMs = 60_000): Promise<boolean> =>
    store.fill({ key: KEY, bytes: Buffer.alloc(64, i), born, tags: TAGS, ttlMs, token: token(i), settled });
  const invalidate = (tag: string): Promise<Head> =>
    store.invalidate({ id: 'i', origin: 'me', mode: 'delete', tags: [tag] });
  const lease = async (): Promise<ReturnType<typeof leaseIn>> => leaseIn(await client.get(TAG));
  const versionOf = async (tag: string) => (await store.readTags([tag])).versions[0];
  const outcome = ({ granted, filled = false }: Grant): string => (granted ? 'granted' : filled ? 'filled' : 'held');

  it.each(Object.entries(ways))(
    '%s: one key in Redis, and its version is read through the lease',
    async (_way, ask) => {
      const { seq } = await ask(1);
      expect(await client.keys('*c:k*')).toEqual([TAG]);
      expect((await lease()).token).toBe(token(1));
      expect(await versionOf('k:c:k')).toEqual({ deleted: seq, expired: seq });
      await fill(1, { ...(await ask(1)), seq });
      expect(await versionOf('k:c:k')).toEqual({ deleted: seq, expired: seq });
    },
  );

  it.each(Object.entries(ways))(
    '%s: taken on a tag that is there, it keeps the version and the longer life',
    async (_way, ask) => {
      const { seq } = await invalidate('k:c:k');
      const later = await invalidate('t:other');
      expect(await client.pttl(TAG)).toBeGreaterThan(60_000);
      const granted = await ask(1);
      expect([granted.granted, granted.seq]).toEqual([true, later.seq]);
      expect(await client.pttl(TAG)).toBeGreaterThan(60_000);
      expect(await versionOf('k:c:k')).toEqual({ deleted: seq, expired: seq });
      // Held for who comes next, at the version that the load was given, not at that of the tag.
      expect(outcome(await ask(2))).toBe('held');
      await client.pexpire(TAG, 1_000);
      expect(outcome(await ask(2))).toBe('held');
      expect(await client.pttl(TAG)).toBeGreaterThan(1_000);
    },
  );

  it.each(Object.entries(ways))('%s: it ends by itself, and life and version of the tag go on', async (_way, ask) => {
    const { seq } = await ask(1, 1);
    while ((await lease()).heldUntil > Date.now()) await client.ping();
    expect(outcome(await ask(2))).toBe('granted');
    expect((await lease()).token).toBe(token(2));
    expect(await versionOf('k:c:k')).toEqual({ deleted: seq, expired: seq });
    expect(await client.pttl(TAG)).toBeGreaterThan(50_000);
  });

  it('a fill, and giving it back, end it: neither changes version or life', async () => {
    const born = await ways.look(1);
    await client.pexpire(TAG, 40_000);
    expect(await fill(1, born)).toBe(true);
    const filled = await lease();
    expect(filled.token).toBe('-'.repeat(36));
    expect(filled.heldUntil).toBeLessThanOrEqual(Date.now() + 1_000);
    expect(outcome(await ways.grant(2))).toBe('filled');
    await store.grant({ key: KEY, tags: TAGS, takeOver: true, ...terms(3) });
    await store.release(KEY, token(2));
    expect((await lease()).token).toBe(token(3));
    await store.release(KEY, token(3));
    expect(await lease()).toEqual({ token: token(3), heldUntil: 0 });
    expect(await versionOf('k:c:k')).toEqual({ deleted: born.seq, expired: born.seq });
    expect(outcome(await ways.grant(2))).toBe('granted');
  });

  it('a fill that lives for less than a moment is remembered for no longer', async () => {
    const born = await ways.look(1);
    const before = Date.now();
    await fill(1, born, TAGS.length, 300);
    const { heldUntil } = await lease();
    expect(heldUntil).toBeGreaterThanOrEqual(before + 300);
    expect(heldUntil).toBeLessThanOrEqual(Date.now() + 300);
  });

  it('an invalidation of the key takes it away, one of another tag makes it worth nothing; a late fill ends nothing', async () => {
    for (const tag of ['k:c:k', 't:a']) {
      const old = await ways.look(1);
      expect(old.granted).toBe(true);
      const { seq } = await invalidate(tag);
      if (tag === 'k:c:k') expect(await client.get(TAG)).toBe(`${old.epoch}|${seq}|${seq}`);
      await fill(1, old);
      await client.del('ns:entry:c:k');
      const next = await ways.look(2);
      expect([outcome(next), next.seq]).toEqual(['granted', seq]);
      await fill(1, old);
      expect((await lease()).token).toBe(token(2));
      await store.release(KEY, token(2));
      await client.del('ns:entry:c:k');
    }
  });

  it('a fill of an epoch that is over touches no lease, and no version of the new one', async () => {
    const old = await ways.look(1);
    await client.del('{ns}:head');
    expect(await versionOf('k:c:k')).toBeUndefined();
    await fill(1, old, 0);
    expect((await lease()).token).toBe(token(1));
    const next = await ways.look(2);
    // The entry of before is there; who finds it invalid asks by itself.
    expect(next).toBeUndefined();
    const granted = await ways.grant(2);
    expect([outcome(granted), granted.epoch === old.epoch]).toEqual(['granted', false]);
    expect(await versionOf('k:c:k')).toEqual({ deleted: granted.seq, expired: granted.seq });
  });

  it('versions of an epoch that is over are unknown, with a lease and without, and are renewed by who looks', async () => {
    const others = ['k:c:other', 't:old'];
    const old = await ways.look(1);
    await store.grant({ key: 'c:other', tags: others, takeOver: false, ...terms(1) });
    await client.del('{ns}:head');
    const { epoch } = (await store.heartbeat('m', 1)).head;
    expect(epoch).not.toBe(old.epoch);
    for (const tag of [...others, 'k:c:k']) expect(await versionOf(tag)).toBeUndefined();
    const next = await ways.look(2);
    expect([outcome(next), next.epoch]).toEqual(['granted', epoch]);
    expect(await versionOf('k:c:k')).toEqual({ deleted: next.seq, expired: next.seq });
    expect((await lease()).token).toBe(token(2));
  });

  it.each(['absent', 'there'])('of two who look in one turn one gets it, where the tag is %s', async (before) => {
    if (before === 'there') await invalidate('k:c:k');
    const both = await Promise.all([ways.look(1), ways.look(2)]);
    expect(both.map(outcome).sort()).toEqual(['granted', 'held']);
    expect((await lease()).token).toBe(token(both[0].granted ? 1 : 2));
  });

  it('caches of one turn that agree in their terms have versions of their own', async () => {
    const before = Date.now();
    const look = (cache: string, tags: string[], leaseMs = 5_000) =>
      store.read(`${cache}:k`, [`k:${cache}:k`, ...tags], 1_000, { ...terms(1), leaseMs });
    const [{ grant }] = await Promise.all([
      look('a', ['*']),
      look('b', ['*', '*:b']),
      look('d', ['*', '*:d']),
      look('e', ['*', '*:d'], 900),
    ]);
    const { versions } = await store.readTags(['*:b', '*:d']);
    expect(versions).toEqual(Array(2).fill({ deleted: grant!.seq, expired: grant!.seq }));
    const until = async (cache: string): Promise<number> =>
      leaseIn(await client.get(`{ns}:tag:k:${cache}:k`)).heldUntil;
    const [short, long] = [await until('e'), await until('d')];
    expect(short).toBeGreaterThanOrEqual(before + 900);
    // Both of one moment.
    expect(long - short).toBe(5_000 - 900);
  });

  it('who reads with one who gets leave is told versions of before', async () => {
    await fill(1, await ways.look(1));
    const [{ grant }, read] = await Promise.all([
      store.read('c:new', ['k:c:new', 't:new', '*', '*:c'], 1_000, terms(2)),
      store.read(KEY, [...TAGS, 't:new'], 1_000),
    ]);
    expect(read.bytes).toEqual(Buffer.alloc(64, 1));
    expect(read.versions.map((version) => version !== undefined)).toEqual([true, true, true, true, false]);
    expect(await versionOf('t:new')).toEqual({ deleted: grant!.seq, expired: grant!.seq });
  });

  it.each(['look', 'grant'] as const)('%s: a text that only begins like a version is an unknown one', async (way) => {
    const { epoch, seq } = await invalidate('t:other');
    const held = `${token(1)}-${Date.now() + 60_000}`;
    for (const text of [`${epoch}|1|1x`, `${epoch}|1|1|1`, `${held}${epoch}|1|1`, `${held}${epoch}|1|1|1x`]) {
      await client.set(TAG, text);
      expect([text, outcome(await ways[way](2))]).toEqual([text, 'granted']);
      expect(await versionOf('k:c:k')).toEqual({ deleted: seq, expired: seq });
    }
  });

  it.each(['look', 'grant'] as const)('%s: one that does not tell until when it is held has ended', async (way) => {
    const { epoch, seq } = await invalidate('k:c:k');
    for (const [until, expected] of [
      [`${Date.now() + 60_000}`, 'held'],
      ['x'.repeat(13), 'granted'],
    ] as const) {
      await client.set(TAG, `${token(1)}-${until}${epoch}|1|1|${seq}`);
      expect(outcome(await ways[way](2))).toBe(expected);
      expect(await versionOf('k:c:k')).toEqual({ deleted: 1, expired: 1 });
    }
  });

  it('more tags than Lua gives a function arguments are no reason to refuse it', async () => {
    const tags = [...TAGS, ...Array.from({ length: 9_000 }, (_, i) => `t:${i}`)];
    expect((await store.read(KEY, tags, 1_000, terms(1))).grant?.granted).toBe(true);
  });

  it('given back while there is no memory to write that, it goes with its tag', async () => {
    await ways.look(1);
    await client.config('SET', 'maxmemory', '1');
    try {
      await store.release(KEY, token(1));
      expect(await client.exists(TAG)).toBe(0);
    } finally {
      await client.config('SET', 'maxmemory', '0');
    }
  });

  it('ends also where an ACL user of before may not use SETRANGE', async () => {
    const rights = 'on >secret ~* &* +@all -setrange'.split(' ');
    await client.call('ACL', 'SETUSER', 'before', 'reset', ...rights);
    const weak = await openLink(redis.url.replace('//', '//before:secret@'));
    const born = await ways.look(1);
    const filled = new RedisRemoteStore(weak, new Names('ns')).fill({
      ...{ key: KEY, bytes: Buffer.alloc(64), born, tags: TAGS, ttlMs: 60_000, token: token(1), settled: TAGS.length },
    });
    expect(await filled).toBe(true);
    expect((await lease()).token).toBe('-'.repeat(36));
    expect(await versionOf('k:c:k')).toEqual({ deleted: born.seq, expired: born.seq });
    weak.close();
  });

  it('of a key whose tag nobody declares there is the lease alone, for as long as it is held', async () => {
    await store.grant({ key: 'c:other', tags: ['t:a'], takeOver: false, ...terms(1, 7_000) });
    const left = await client.pttl('{ns}:tag:k:c:other');
    expect([left > 0, left <= 7_000]).toEqual([true, true]);
    expect(await client.pttl('{ns}:tag:t:a')).toBeGreaterThan(50_000);
  });

  it('a long key has its lease with the digest that is its tag', async () => {
    const key = 'x'.repeat(300);
    const tag = new Names('ns').lease(`c:${key}`);
    await store.read(`c:${key}`, [tag.slice('{ns}:tag:'.length)], 1_000, terms(1));
    expect(await client.keys('*')).toEqual(expect.arrayContaining(['{ns}:head', tag]));
    expect(tag).toMatch(/^\{ns\}:tag:k:c:#.{43}$/);
    expect(await client.dbsize()).toBe(2);
  });
});
