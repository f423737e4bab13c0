import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { CacheBackend, type CacheEvent } from '@strata/cache';
import { eventually } from '../support/eventually';
import { RedisServer } from '../support/redis-server';

const PAGE = readFileSync(join(__dirname, '../../docs/operations/redis.md'), 'utf8');
/** The user of the page, on one line as Redis wants it. */
const USER = /```\n(user strata [^`]+)```/.exec(PAGE)![1]!.replace(/\s+/g, ' ').trim();
/** What the page adds for newer servers, the name of the command after its `+`. */
const OF_NEWER = /On Redis 7\.2 and newer, and on Valkey, add `\+([^`]+)`/.exec(PAGE)![1]!;

describe('the ACL user of docs/operations/redis.md', () => {
  let redis: RedisServer;
  const open: CacheBackend[] = [];

  beforeAll(async () => {
    redis = await RedisServer.start();
    await redis.command(async (client) => {
      const [known] = (await client.call('COMMAND', 'INFO', OF_NEWER)) as unknown[];
      await client.call('ACL', 'SETUSER', ...USER.split(' ').slice(1), ...(known === null ? [] : [`+${OF_NEWER}`]));
    });
  });

  afterAll(async () => {
    for (const backend of open) await backend.close();
    await redis.stop();
  });

  async function start(): Promise<{ backend: CacheBackend; refused: string[] }> {
    const backend = await CacheBackend.create({
      redis: { url: `redis://strata:secret@127.0.0.1:${redis.port}` },
      namespace: 'strata',
      redisTimeoutMs: 2_000,
      leaseMs: 1_000,
    });
    open.push(backend);
    const refused: string[] = [];
    backend.strata.on((event: CacheEvent) => event.name === 'tier.error' && refused.push(event.reason));
    await backend.start();
    return { backend, refused };
  }

  it('may do all that the service does, and nothing else', async () => {
    const [one, two] = [await start(), await start()];
    const cache = one.backend.cache<string>('items');
    const others = two.backend.cache<string>('items');
    await eventually(() => one.backend.strata.state.leaseHeld && two.backend.strata.state.leaseHeld);
    await cache.getOrSet('a', () => 'A', { tags: ['t'] });
    await cache.settled();
    await expect(others.get('a', { tags: ['t'] })).resolves.toBe('A');
    await cache.set('b', 'B');
    await cache.put('c', () => 'C');
    await cache.expire('c');
    await others.delete('b');
    await expect(one.backend.strata.invalidateTags(['t'])).resolves.toMatchObject({ deferred: false });
    await expect(others.get('a', { tags: ['t'] })).resolves.toBeUndefined();
    await one.backend.strata.clear();
    await others.getOrSet('failing', () => Promise.reject(new Error('boom'))).catch(() => undefined);
    await expect(two.backend.warmer!.run()).resolves.toMatchObject({ state: 'done' });
    expect((await two.backend.warmer!.run()).known).toBeGreaterThan(0);
    expect([...one.refused, ...two.refused]).toEqual([]);
    const denied = await redis.command((client) => client.call('ACL', 'LOG') as Promise<unknown[]>);
    expect(denied).toEqual([]);
    for (const [command, ...args] of [
      ['keys', '*'],
      ['flushdb'],
      ['config', 'get', '*'],
      ['get', 'other:entry:x'],
    ] as const) {
      const dry = await redis.command((client) => client.call('ACL', 'DRYRUN', 'strata', command, ...args));
      expect([command, dry]).toEqual([command, expect.stringMatching(/no permissions/i)]);
    }
  });
});
