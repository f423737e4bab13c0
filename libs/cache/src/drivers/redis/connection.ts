import type { RedisOptions } from 'ioredis';
import { CacheError } from '../../core/errors';
import type { NodeAddress } from './cluster-links';

/** Where Redis is: a URL, a unix socket, a set of Sentinels, or some nodes of a cluster. */
export interface RedisTarget extends RedisCredentials {
  /** `redis://[user:password@]host[:port][/db]` or `rediss://…` for TLS. */
  readonly url?: string;
  /** Path of a unix socket. */
  readonly path?: string;
  readonly sentinels?: { readonly addresses: readonly NodeAddress[]; readonly name: string };
  /** Nodes of a cluster that are asked for all others; opened by `redisClusterDriver`. */
  readonly cluster?: { readonly addresses: readonly NodeAddress[] };
  /** One node of a cluster. */
  readonly node?: NodeAddress;
}

/** Who we are to nodes that a Sentinel or a cluster names; a URL carries its own. */
export interface RedisCredentials {
  readonly username?: string;
  readonly password?: string;
  readonly tls?: boolean;
}

/**
 * Options for ioredis that suit a cache: fail fast, never queue while disconnected, never send a
 * command twice. The defaults replay timed-out writes and hold requests for seconds.
 *
 * @throws CacheError `INVALID_OPTIONS`
 */
export function connectionOptions(target: RedisTarget): RedisOptions {
  return {
    ...place(target),
    lazyConnect: true,
    enableOfflineQueue: false,
    autoResendUnfulfilledCommands: false,
    autoResubscribe: false,
    maxRetriesPerRequest: 0,
    connectTimeout: 1_000,
    // A hung server does not answer FIN either: the socket is destroyed after this.
    disconnectTimeout: 100,
    keepAlive: 5_000,
    noDelay: true,
    retryStrategy: (attempt) => Math.min(50 * 2 ** Math.min(attempt, 5), 1_000) + Math.random() * 100,
    // 1 = reconnect without sending again: the server is a replica or still loading.
    reconnectOnError: (error) => (/^(READONLY|LOADING|MASTERDOWN)/.test(error.message) ? 1 : false),
  };
}

function place(target: RedisTarget): RedisOptions {
  if (target.path !== undefined) return { path: target.path };
  if (target.node !== undefined) return { ...target.node, ...credentials(target) };
  if (target.sentinels !== undefined) {
    // Without the two switches ioredis speaks to the master, and to the Sentinels, in plain text whatever `tls` says.
    const encrypted = target.tls === true ? { enableTLSForSentinelMode: true, sentinelTLS: {} } : {};
    const { addresses, name } = target.sentinels;
    return { sentinels: [...addresses], name, ...credentials(target), ...encrypted };
  }
  const url = parseUrl(target.url ?? '');
  const db = Number(url.pathname.slice(1) || '0');
  return {
    host: url.hostname.replace(/^\[|\]$/g, ''),
    port: Number(url.port || '6379'),
    db,
    ...(url.username === '' ? {} : { username: decodeURIComponent(url.username) }),
    ...(url.password === '' ? {} : { password: decodeURIComponent(url.password) }),
    ...(url.protocol === 'rediss:' ? { tls: {} } : {}),
  };
}

function credentials({ username, password, tls }: RedisCredentials): RedisOptions {
  return {
    ...(username === undefined ? {} : { username }),
    ...(password === undefined ? {} : { password }),
    ...(tls === true ? { tls: {} } : {}),
  };
}

function parseUrl(text: string): URL {
  if (!URL.canParse(text) || !/^rediss?:$/.test(new URL(text).protocol) || !/^\/?\d*$/.test(new URL(text).pathname)) {
    throw new CacheError('INVALID_OPTIONS', 'a Redis URL looks like redis://user:password@host:6379/0');
  }
  return new URL(text);
}
