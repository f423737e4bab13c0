import { AsyncLocalStorage } from 'node:async_hooks';
import { Logger } from '@nestjs/common';
import { isTag } from '../../core/coherence/tags';
import type { Duration } from '../../core/duration';
import type { LoaderContext } from '../../core/loader-context';
import { richSerializer, RichValueError } from '../../drivers/serializers/rich-serializer';
import type { CacheBackend } from '../cache-backend';
import type { Operations } from '../declarations';
import type { CacheEvictOperation, CachePutOperation } from '../operations';
import { isNews } from '../is-news';
import { versionedKey } from '../composed-key';
import { applying, evict, type Evicted } from '../evict';
import { isLeftOut, learntBy } from '../put-rules';
import { Touched, untouched } from '../touched';
import { ttlFrom } from '../ttl-of';
import { isBound } from './bindings';
import { ForOneOnly } from './for-one-only';
import { uncacheable } from './uncacheable';

/** One call of a decorated method. */
export interface MethodCall {
  readonly backend: CacheBackend;
  readonly operations: Operations;
  readonly args: readonly unknown[];
  readonly invoke: () => Promise<unknown>;
  readonly instance: object;
}

type Apply<R> = (...given: unknown[]) => R;

/** A load that the present code was called from; also of a timer that it has started, which may outlive it. */
interface Load {
  readonly place: string;
  readonly outer: Load | undefined;
  isOver: boolean;
}

/** One that needs its own key again must not wait for itself. */
const loads = new AsyncLocalStorage<Load>();

/** The nearest that is not over: a chain of timers would else keep all of its links. */
function present(load: Load | undefined): Load | undefined {
  return load?.isOver === true ? present(load.outer) : load;
}

function isLoading(place: string): boolean {
  for (let load = present(loads.getStore()); load !== undefined; load = present(load.outer)) {
    if (load.place === place) return true;
  }
  return false;
}

/** Of the method itself, which may have met such an error on its own way: not of what it has returned. */
class OfMethod extends Error {}

/** Around a method: evictions that come first, the entry or the method, a put, evictions after success. */
export async function callWithCache(call: MethodCall): Promise<unknown> {
  const { operations, args } = call;
  const evictions = applying(operations.evict, args);
  for (const one of evictions) if (one.beforeInvocation) await evictFor(call, one, undefined);
  const [put, ...further] = operations.put;
  const result = put === undefined ? await readThrough(call) : await putting(call, put, further);
  for (const one of evictions) {
    if (!one.beforeInvocation || result instanceof Touched) await evictFor(call, one, result);
  }
  return untouched(result);
}

async function readThrough(call: MethodCall): Promise<unknown> {
  const { backend, operations, args, invoke } = call;
  const { cacheable } = operations;
  if (cacheable === undefined || !(cacheable.condition as Apply<boolean>)(...args)) return invoke();
  if (cacheable.hasDefaultKey && !isBound(call.instance)) {
    warnOnce(call, 'what depends on an object that the container does not know, under a key without that object');
    return invoke();
  }
  const key = versionedKey((cacheable.key as Apply<string | undefined>)(...args), cacheable.version);
  if (key === undefined) return invoke();
  const cache = backend.methodCache(cacheable.cache);
  const place = `${cache.name} ${key}`;
  if (isLoading(place)) return invoke();
  let own: { readonly result: unknown } | undefined;
  const load = async (loading: LoaderContext<unknown>): Promise<unknown> => {
    const result = await running(place, invoke);
    const reason = uncacheable(result);
    if (reason !== undefined) {
      warnOnce(call, reason);
      throw new ForOneOnly(call, result);
    }
    describe(cacheable, result, args, loading);
    own = { result };
    return result;
  };
  const tags = (cacheable.tags as Apply<readonly string[]>)(...args);
  try {
    return await cache.getOrSet(key, load, { ...cacheable.entry, tags });
  } catch (error) {
    if (error instanceof ForOneOnly) return error.call === call ? error.result : invoke();
    if (error instanceof OfMethod) throw error.cause;
    if (!(error instanceof RichValueError)) throw error;
    // The method has succeeded: what the cache cannot carry is no error of its caller.
    warnOnce(call, error.message);
    return own === undefined ? invoke() : own.result;
  }
}

/** @throws OfMethod */
async function running(place: string, invoke: () => Promise<unknown>): Promise<unknown> {
  const here: Load = { place, outer: present(loads.getStore()), isOver: false };
  try {
    return await loads.run(here, invoke);
  } catch (error) {
    throw error instanceof RichValueError ? new OfMethod(error.message, { cause: error }) : error;
  } finally {
    here.isOver = true;
  }
}

/** Whether a result is kept, for how long, under which tags. */
function describe(
  { unless, resultTags, ttlOf, where }: NonNullable<Operations['cacheable']>,
  result: unknown,
  args: readonly unknown[],
  loading: LoaderContext<unknown>,
): void {
  if (result === undefined || (unless as Apply<boolean>)(result, ...args)) return loading.doNotStore();
  const tags = (resultTags as Apply<readonly string[]>)(result, ...args);
  if (!tags.every(isTag)) return loading.doNotStore();
  loading.addTags(...tags);
  const ttl = ttlFrom((ttlOf as Apply<Duration> | undefined)?.(result, ...args), where);
  if (ttl !== undefined) loading.setOptions({ ttl });
}

/** The method runs once, within the first put; the others follow, each judged from before the method ran. */
async function putting(
  call: MethodCall,
  put: CachePutOperation,
  further: readonly CachePutOperation[],
): Promise<unknown> {
  const { backend, args } = call;
  const next = (): Promise<unknown> =>
    further.length === 0 ? readThrough(call) : putting(call, further[0]!, further.slice(1));
  if (!(put.condition as Apply<boolean>)(...args)) return next();
  const key = versionedKey((put.key as Apply<string | undefined>)(...args), put.version);
  if (key === undefined) return next();
  const cache = backend.methodCache(put.cache);
  let result: unknown;
  const produce = async (): Promise<unknown> => {
    result = await next();
    const value = untouched(result);
    const reason = uncacheable(value) ?? (cache.serializerId === richSerializer.id ? notCarried(value) : undefined);
    if (reason !== undefined) warnOnce(call, reason);
    return reason !== undefined || isLeftOut(put, value, ...args) ? undefined : value;
  };
  await cache.put(key, produce, put.entry, (value) => learntBy(put, value, args));
  return result;
}

/** Why `richSerializer` cannot carry a value: found before it is put, when the method has succeeded. */
function notCarried(value: unknown): string | undefined {
  try {
    return void (value === undefined || richSerializer.decode(richSerializer.encode(value)));
  } catch (error) {
    return (error as Error).message;
  }
}

function evictFor({ backend, args }: MethodCall, operation: CacheEvictOperation, result: unknown): Promise<Evicted> {
  return evict(backend, operation, { result, inputs: args, cacheOf: (name) => backend.methodCache(name) });
}

function warnOnce({ backend, operations: { where } }: MethodCall, reason: string): void {
  if (isNews(where, backend)) new Logger('Cacheable').warn(`${where} returns ${reason}: it is never cached`);
}
