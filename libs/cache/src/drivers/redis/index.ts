import type { Redis } from 'ioredis';
import { systemClock, type Clock } from '../../core/ports/clock';
import { Names } from './names';
import { RedisBus } from './redis-bus';
import { RedisLink, type LinkOptions } from './redis-link';
import { RedisRemoteStore } from './redis-remote-store';

export { connectionOptions, type RedisTarget } from './connection';
export { RedisLink, type BreakerState, type LinkListener, type LinkOptions } from './redis-link';
export { RedisRemoteStore } from './redis-remote-store';
export { RedisBus } from './redis-bus';
export { Names } from './names';

/** The Redis driver of one namespace. */
export interface RedisDriver {
  readonly remote: RedisRemoteStore;
  readonly bus: RedisBus;
  readonly link: RedisLink;
  close(): void;
}

/**
 * Builds the driver on two clients of its own: one for commands, one for the subscription. Both must
 * come from `connectionOptions` and not be connected yet. Never waits for Redis: while it cannot be
 * reached everything is a miss, and it is used as soon as it appears.
 */
export function redisDriver(
  clients: { commands: Redis; subscriber: Redis },
  options: LinkOptions & { namespace: string; clock?: Clock },
): RedisDriver {
  const names = new Names(options.namespace);
  const link = new RedisLink(clients.commands, options, options.clock ?? systemClock);
  const remote = new RedisRemoteStore(link, names);
  const bus = new RedisBus(clients.subscriber, link, names);
  if (clients.commands.status === 'wait') void clients.commands.connect().catch(() => undefined);
  return { remote, bus, link, close: () => link.close() };
}
