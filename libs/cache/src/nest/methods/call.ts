import { Logger } from '@nestjs/common';
import type { LoaderContext } from '../../core/loading';
import type { CacheBackend } from '../cache-backend';
import type { Operations } from '../declarations';
import type { CacheEvictOperation, CachePutOperation } from '../operations';
import { versionedKey } from '../composed-key';
import { evict, type Evicted } from '../evict';
import { Touched } from '../touched';
import { uncacheable } from './uncacheable';

/** One call of a decorated method. */
export interface MethodCall {
  readonly backend: CacheBackend;
  readonly operations: Operations;
  readonly args: readonly unknown[];
  readonly invoke: () => Promise<unknown>;
}

/** A result that cannot be kept: it goes to the caller whose method ran, as it is. */
class ForOneOnly extends Error {
  constructor(
    readonly call: MethodCall,
    readonly result: unknown,
  ) {
    super('a result for its own caller only');
  }
}

type Apply<R> = (...given: unknown[]) => R;

const warned = new Set<string>();

/** Around a method: evictions that come first, the entry or the method, a put, evictions after success. */
export async function callWithCache(call: MethodCall): Promise<unknown> {
  const { operations } = call;
  for (const one of operations.evict) if (one.beforeInvocation) await evictFor(call, one, undefined);
  const [put, ...further] = operations.put;
  let result = put === undefined ? await readThrough(call) : await putting(call, put, further);
  for (const one of operations.evict) {
    if (!one.beforeInvocation || result instanceof Touched) await evictFor(call, one, result);
  }
  if (result instanceof Touched) result = result.value as unknown;
  return result;
}

async function readThrough(call: MethodCall): Promise<unknown> {
  const { backend, operations, args, invoke } = call;
  const { cacheable } = operations;
  if (cacheable === undefined || !(cacheable.condition as Apply<boolean>)(...args)) return invoke();
  const key = versionedKey((cacheable.key as Apply<string | undefined>)(...args), cacheable.version);
  if (key === undefined) return invoke();
  const load = async (loading: LoaderContext<unknown>): Promise<unknown> => {
    const result = await invoke();
    const reason = uncacheable(result);
    if (reason !== undefined) {
      warnOnce(operations.where, reason);
      throw new ForOneOnly(call, result);
    }
    if ((cacheable.unless as Apply<boolean>)(result, ...args)) loading.doNotStore();
    loading.addTags(...(cacheable.resultTags as Apply<readonly string[]>)(result, ...args));
    const ttl = (cacheable.ttlOf as Apply<number | string> | undefined)?.(result, ...args);
    if (ttl !== undefined) loading.setOptions({ ttl });
    return result;
  };
  const tags = (cacheable.tags as Apply<readonly string[]>)(...args);
  try {
    return await backend.methodCache(cacheable.cache).getOrSet(key, load, { ...cacheable.entry, tags });
  } catch (error) {
    if (!(error instanceof ForOneOnly)) throw error;
    return error.call === call ? error.result : invoke();
  }
}

/** The method runs once, within the first put; the others follow, each judged from before the method ran. */
async function putting(
  call: MethodCall,
  put: CachePutOperation,
  further: readonly CachePutOperation[],
): Promise<unknown> {
  const { backend, operations, args } = call;
  const next = (): Promise<unknown> =>
    further.length === 0 ? readThrough(call) : putting(call, further[0]!, further.slice(1));
  if (!(put.condition as Apply<boolean>)(...args)) return next();
  const key = versionedKey((put.key as Apply<string | undefined>)(...args), put.version);
  if (key === undefined) return next();
  let result: unknown;
  const produce = async (): Promise<unknown> => {
    result = await next();
    const value = result instanceof Touched ? (result.value as unknown) : result;
    const reason = uncacheable(value);
    if (reason !== undefined) warnOnce(operations.where, reason);
    const isOut = reason !== undefined || (put.unless as Apply<boolean>)(value, ...args);
    return isOut ? undefined : value;
  };
  const ttl = put.ttlOf as Apply<number | string> | undefined;
  await backend.methodCache(put.cache).put(key, produce, put.entry, (value) => ({
    tags: (put.tags as Apply<readonly string[]>)(value, ...args),
    ...(ttl === undefined ? {} : { ttl: ttl(value, ...args) }),
  }));
  return result;
}

function evictFor({ backend, args }: MethodCall, operation: CacheEvictOperation, result: unknown): Promise<Evicted> {
  return evict(backend, operation, { result, inputs: args, cacheOf: (name) => backend.methodCache(name) });
}

function warnOnce(where: string, reason: string): void {
  if (warned.has(where)) return;
  warned.add(where);
  new Logger('Cacheable').warn(`${where} returns ${reason}: it is never cached`);
}
