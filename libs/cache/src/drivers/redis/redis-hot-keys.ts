import type { Redis } from 'ioredis';
import type { HotKey, HotKeyBounds, HotKeyStore } from '../../core/ports/hot-key-store';
import type { Names } from './names';
import type { RedisNodes } from './nodes';
import { Script } from './script';
import { unavailable } from './unavailable';

/** Forgotten when no instance has added anything for so long. */
const KEPT_MS = 7 * 86_400_000;

/**
 * Forward decay (Cormode et al., ICDE 2009): old scores are never touched, new ones are worth more, by a factor that
 * doubles every half-life; so any number of instances may add at any time. Before the factor leaves the range of
 * numbers, all scores are brought back once. A key whose heat has faded to a hundredth of a look-up is forgotten. The
 * server's clock alone counts.
 *
 * KEYS scores, origin · ARGV 1 half-life ms, 2 keep, 3 life ms, 4… key, heat
 */
const ADD = new Script(`
local time = redis.call('TIME')
local now = tonumber(time[1]) * 1000 + math.floor(tonumber(time[2]) / 1000)
local origin = tonumber(redis.call('GET', KEYS[2]) or '')
-- Without the moment that scores count from they mean nothing.
if not origin then
  redis.call('DEL', KEYS[1])
  origin = now
end
local age = (now - origin) / tonumber(ARGV[1])
if age > 500 then
  redis.call('ZUNIONSTORE', KEYS[1], 1, KEYS[1], 'WEIGHTS', string.format('%.17g', 2 ^ -age))
  origin, age = now, 0
end
for i = 4, #ARGV, 2 do
  redis.call('ZINCRBY', KEYS[1], string.format('%.17g', tonumber(ARGV[i + 1]) * 2 ^ age), ARGV[i])
end
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', '(' .. string.format('%.17g', 0.01 * 2 ^ age))
redis.call('ZREMRANGEBYRANK', KEYS[1], 0, -1 - tonumber(ARGV[2]))
redis.call('PEXPIRE', KEYS[1], ARGV[3])
redis.call('SET', KEYS[2], string.format('%.0f', origin), 'PX', ARGV[3])
`);

/** {@link HotKeyStore} in a sorted set for each cache, beside everything else of the namespace. */
export class RedisHotKeys implements HotKeyStore {
  constructor(
    private readonly nodes: RedisNodes,
    private readonly names: Names,
  ) {}

  async add(cache: string, hot: readonly HotKey[], { keep, halfLifeMs }: HotKeyBounds): Promise<void> {
    const { scores, origin } = this.names.hot(cache);
    const pairs = hot.flatMap(({ key, heat }) => [key, heat]);
    await this.send((client) => ADD.run(client, [2, scores, origin, halfLifeMs, keep, KEPT_MS, ...pairs]));
  }

  async hottest(cache: string, count: number): Promise<readonly string[]> {
    if (count < 1) return [];
    return this.send((client) => client.zrevrange(this.names.hot(cache).scores, 0, count - 1));
  }

  private send<R>(send: (client: Redis) => Promise<R>): Promise<R> {
    const { control } = this.nodes;
    return control === undefined ? Promise.reject(unavailable('the node is not known yet')) : control.send(send);
  }
}
