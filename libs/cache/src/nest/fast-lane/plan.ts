import { userTags } from '../../core/keys';
import type { TieredCache } from '../../core/tiered-cache';
import { isTag } from '../../core/coherence/tags';
import type { Representation } from '../../http/representation';
import type { CacheRequest } from '../cache-request';
import { fullKey } from '../http-key';
import type { Described } from '../http-load';
import type { Framework } from './framework';

type OfRequest<R> = (request: CacheRequest) => R;

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

/** What the route's functions say of a request; `undefined` when they want it past the cache. */
export function entryOf(
  { operation, request }: Described,
  isConditionKnown = false,
): Pick<Plan, 'key' | 'tags'> | undefined {
  if (!isConditionKnown && !(operation.condition as OfRequest<boolean>)(request)) return undefined;
  const found = fullKey(operation, request, undefined);
  if ('bypass' in found) return undefined;
  const tags = (operation.tags as OfRequest<readonly string[]>)(request);
  return tags.every(isTag) ? { key: found.key, tags: userTags(tags) } : undefined;
}

/** True while the route's functions still lead to the entry of the plan. */
export function stillHolds(plan: Plan): boolean {
  const now = entryOf(plan, true);
  return now?.key === plan.key && now.tags.length === plan.tags.length && now.tags.every((t, i) => t === plan.tags[i]);
}

/** Bytes that a plan holds, about. */
export function weightOf(url: string, { key, tags }: Plan): number {
  return 600 + 2 * (url.length + key.length) + tags.reduce((sum, tag) => sum + 2 * tag.length, 0);
}
