import { Logger } from '@nestjs/common';
import { isTag } from '../core/coherence/tags';
import type { InvalidationResult } from '../core/coherence/invalidator';
import type { TieredCache } from '../core/tiered-cache';
import type { CacheBackend } from './cache-backend';
import { isNews } from './is-news';
import type { CacheEvictOperation } from './operations';
import { Touched } from './touched';
import { versionedKey } from './composed-key';

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

/** Those of the operations that this call is to have, asked before the method runs. */
export function applying(
  operations: readonly CacheEvictOperation[],
  inputs: readonly unknown[],
): readonly CacheEvictOperation[] {
  return operations.filter(({ condition }) => (condition as Apply<boolean>)(...inputs));
}

/** Invalidates what an operation names, with one message for all tags. Resolves when every instance knows. */
export async function evict(backend: CacheBackend, operation: CacheEvictOperation, call: EvictFor): Promise<Evicted> {
  if (!backend.enabled) return { tags: [], deferred: false };
  const { allEntries, cache } = operation;
  const { tags, key, isUnknown } = whatChanged(backend, operation, call);
  const isAll = isUnknown || (allEntries && cache === undefined);
  const work: Promise<InvalidationResult>[] = [];
  const named = cache === undefined ? [] : backend.cachesUnder(cache);
  const caches = named.length > 0 ? named : [call.cacheOf(cache)];
  if (isAll) work.push(backend.strata.clear());
  else if (allEntries) work.push(...caches.map((one) => one.clear()));
  if (tags.length > 0 && !isAll) work.push(backend.strata.invalidateTags(tags));
  if (key !== undefined && !isAll) work.push(...caches.map((one) => one.delete(key)));
  const results = await Promise.all(work);
  return { tags, deferred: results.some(({ deferred }) => deferred) };
}

interface Named {
  readonly tags: readonly string[];
  readonly key: string | undefined;
  /** What has changed cannot be told: everything may have. */
  readonly isUnknown: boolean;
}

/** The write has happened and must not fail now, nor may what it has changed go on being served. */
function whatChanged(backend: CacheBackend, operation: CacheEvictOperation, { result, inputs }: EvictFor): Named {
  const [value, learnt] = result instanceof Touched ? [result.value as unknown, result.tags] : [result, []];
  try {
    const all = [...(operation.tags as Apply<readonly string[]>)(value, ...inputs), ...learnt];
    const tags = [...new Set(all)].filter((tag) => isTag(tag) || warnOnce(backend, operation.where, NO_TAG));
    const key = (operation.key as Apply<string | undefined> | undefined)?.(value, ...inputs);
    return { tags, key: versionedKey(key, operation.version), isUnknown: false };
  } catch (error) {
    warnOnce(backend, operation.where, `cannot tell what has changed (${String(error)}): the whole cache is emptied`);
    return { tags: [], key: undefined, isUnknown: true };
  }
}

/** No entry can carry such a tag, so nothing is missed without it. */
const NO_TAG = 'names a tag that is none (1 to 256 well-formed characters): left out';

function warnOnce(backend: CacheBackend, where: string, problem: string): false {
  if (isNews(`${problem === NO_TAG ? 'tag' : 'evict'} ${where}`, backend))
    new Logger('CacheEvict').warn(`${where} ${problem}`);
  return false;
}
