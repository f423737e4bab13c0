import { BatchLoad, type ManyLoader } from './batch-load';
import { assertKey, protocolTags, userTags } from './keys';
import { Loading } from './loading';
import { resolveEntryOptions } from './options';
import type { ReadOptions } from './read-options';
import type { TieredCacheParts } from './tiered-cache-parts';
import { untilAborted } from './until-aborted';

/**
 * `getOrSet` of many keys: one pass over L1, one round trip to L2, one run of the loader with just the keys that
 * nobody has and nobody else is loading. Values are in the order of `keys`.
 */
export async function readMany<T>(
  parts: TieredCacheParts<T>,
  keys: readonly string[],
  loader: ManyLoader<T>,
  options: ReadOptions,
): Promise<(T | undefined)[]> {
  keys.forEach(assertKey);
  const entryOptions = resolveEntryOptions(options, parts.options);
  const declared = userTags(options.tags);
  const batch = new BatchLoad<T>(keys, loader);
  const readOne = async (key: string): Promise<T | undefined> => {
    const stepAside = (): void => batch.stepAside(key);
    const tags = protocolTags(parts.name, key, declared);
    const loading = new Loading<T>(() => batch.load(key), tags, entryOptions, parts.options, parts.clock, stepAside);
    const found = parts.local.lookup(key, declared);
    const request = { key, tags, localTtl: entryOptions.localTtl, loading };
    const result = await parts.reader.read(request, found).finally(stepAside);
    return result.value;
  };
  const all = Promise.all(keys.map(readOne));
  return options.signal === undefined ? all : untilAborted(all, options.signal);
}

/** What was found, by key, as `handOut` makes it; absent keys are left out. */
export function present<T>(
  keys: readonly string[],
  values: readonly (T | undefined)[],
  handOut: (value: T) => T | undefined = (value) => value,
): Map<string, T> {
  const found = new Map<string, T>();
  values.forEach((value, index) => value !== undefined && found.set(keys[index]!, handOut(value)!));
  return found;
}
