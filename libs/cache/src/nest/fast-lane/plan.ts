import { userTags } from '../../core/keys';
import type { TieredCache } from '../../core/tiered-cache';
import type { Representation } from '../../http/representation';
import type { CacheRequest } from '../cache-request';
import { entryOf } from '../http-key';
import type { Described } from '../http-load';
import type { Framework } from './framework';

/** Which entry answers a URL, as Nest's router and the route's own functions have found out once. */
export interface Plan {
  readonly operation: Described['operation'];
  readonly cache: TieredCache<Representation>;
  readonly key: string;
  /** Declared tags, as entries carry them. */
  readonly tags: readonly string[];
  /** The request as the URL determines it. */
  readonly request: CacheRequest;
  /** Template of the route, for metrics and logs. */
  readonly route: string;
  readonly framework: Framework;
}

/** True while the route's functions still lead to the entry of the plan. */
export function stillHolds({ operation, request, key, tags }: Plan): boolean {
  const now = entryOf(operation, request, undefined);
  if ('bypass' in now || now.key !== key) return false;
  const declared = userTags(now.tags);
  return declared.length === tags.length && declared.every((tag, i) => tag === tags[i]);
}

/** Bytes that a plan holds, about. */
export function weightOf(url: string, { key, tags }: Plan): number {
  return 600 + 2 * (url.length + key.length) + tags.reduce((sum, tag) => sum + 2 * tag.length, 0);
}
