import type { Redis } from 'ioredis';
import { systemClock, type Clock } from '../../core/ports/clock';
import { ClusterLinks, type NodeAddress } from './cluster-links';
import { Names } from './names';
import type { LinkOptions, RedisNodes } from './nodes';
import { RedisBus } from './redis-bus';
import { RedisHotKeys } from './redis-hot-keys';
import { RedisLink } from './redis-link';
import { RedisRemoteStore } from './redis-remote-store';

export { connectionOptions, type RedisCredentials, type RedisTarget } from './connection';
export { RedisLink } from './redis-link';
export { ClusterLinks, type NodeAddress } from './cluster-links';
export type { LinkListener, LinkOptions, NodeLink, RedisNodes, Urgency } from './nodes';
export { RedisRemoteStore } from './redis-remote-store';
export { RedisBus } from './redis-bus';
export { Names } from './names';

/** The Redis driver of one namespace. */
export interface RedisDriver<Nodes extends RedisNodes = RedisNodes> {
  readonly remote: RedisRemoteStore;
  readonly bus: RedisBus;
  readonly hotKeys: RedisHotKeys;
  readonly link: Nodes;
  close(): void;
}

/** Options of a driver. */
export interface DriverOptions extends LinkOptions {
  /** Name under which everything lives in Redis. */
  readonly namespace: string;
  readonly clock?: Clock;
}

/**
 * Builds the driver on two clients of its own: one for commands, one for the subscription. Both must
 * come from `connectionOptions` and not be connected yet. Never waits for Redis: while it cannot be
 * reached everything is a miss, and it is used as soon as it appears.
 */
export function redisDriver(
  clients: { commands: Redis; subscriber: Redis },
  options: DriverOptions,
): RedisDriver<RedisLink> {
  const names = new Names(options.namespace);
  const link = new RedisLink(clients.commands, options, options.clock ?? systemClock);
  const remote = new RedisRemoteStore(link, names);
  const bus = new RedisBus(link, names);
  const hotKeys = new RedisHotKeys(link, names);
  bus.use(clients.subscriber);
  if (clients.commands.status === 'wait') void clients.commands.connect().catch(() => undefined);
  return { remote, bus, hotKeys, link, close: () => link.close() };
}

/**
 * Builds the driver on a Redis Cluster (7 or newer). `open` makes a client of one node that is not
 * connected yet, from `connectionOptions`; the driver opens one for each master, and one for the bus at
 * the master that holds `head`. It follows the topology, and each node has a breaker of its own.
 */
export function redisClusterDriver(
  seeds: readonly NodeAddress[],
  open: (address: NodeAddress) => Promise<Redis>,
  options: DriverOptions,
): RedisDriver<ClusterLinks> {
  const names = new Names(options.namespace);
  const links = new ClusterLinks({ ...options, seeds, open, head: names.head }, options.clock ?? systemClock);
  const remote = new RedisRemoteStore(links, names);
  const bus = new RedisBus(links, names);
  const hotKeys = new RedisHotKeys(links, names);
  links.onControlMoved(async (address) => bus.use(await open(address)));
  links.start();
  return { remote, bus, hotKeys, link: links, close: () => links.close() };
}
