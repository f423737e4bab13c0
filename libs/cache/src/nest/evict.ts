import { Logger } from '@nestjs/common';
import { isTag } from '../core/coherence/tags';
import type { InvalidationResult } from '../core/coherence/invalidator';
import type { TieredCache } from '../core/tiered-cache';
import type { CacheBackend } from './cache-backend';
import type { CacheEvictOperation } from './operations';
import { Touched } from './touched';

/** What an eviction has done. */
export interface Evicted {
  readonly tags: readonly string[];
  readonly deferred: boolean;
}

/** A call that evicts. */
export interface EvictFor {
  readonly result: unknown;
  readonly inputs: readonly unknown[];
  /** Named cache, or the usual one for such a method. */
  readonly cacheOf: (name: string | undefined) => Pick<TieredCache, 'delete' | 'clear'>;
}

type Apply<R> = (...given: unknown[]) => R;

const warned = new Set<string>();

/** Invalidates what an operation names, with one message for all tags. Resolves when every instance knows. */
export async function evict(
  backend: CacheBackend,
  operation: CacheEvictOperation,
  { result, inputs, cacheOf }: EvictFor,
): Promise<Evicted> {
  const nothing = { tags: [], deferred: false };
  if (!backend.enabled || !(operation.condition as Apply<boolean>)(...inputs)) return nothing;
  const [value, learnt] = result instanceof Touched ? [result.value as unknown, result.tags] : [result, []];
  const named = [...(operation.tags as Apply<readonly string[]>)(value, ...inputs), ...learnt];
  const tags = [...new Set(named)].filter((tag) => isTag(tag) || warnOnce(operation.where));
  const key = (operation.key as Apply<string | undefined> | undefined)?.(value, ...inputs);
  const { allEntries, cache } = operation;
  const work: Promise<InvalidationResult>[] = [];
  if (allEntries) work.push(cache === undefined ? backend.strata.clear() : cacheOf(cache).clear());
  if (tags.length > 0 && !(allEntries && cache === undefined)) work.push(backend.strata.invalidateTags(tags));
  if (key !== undefined) work.push(cacheOf(cache).delete(key));
  const results = await Promise.all(work);
  return { tags, deferred: results.some(({ deferred }) => deferred) };
}

/** No entry can carry such a tag, so nothing is missed without it; the write has happened and must not fail now. */
function warnOnce(where: string): false {
  if (!warned.has(where)) {
    warned.add(where);
    new Logger('CacheEvict').warn(`${where} names a tag that is none (1 to 256 well-formed characters): left out`);
  }
  return false;
}
