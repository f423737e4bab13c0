import { Logger } from '@nestjs/common';
import type { CacheBackend } from '../cache-backend';
import { isNews } from '../is-news';
import { operationsOf, type Class, type Handler, type Operations } from '../declarations';
import { NEST } from '../metadata';
import { untouched } from '../touched';
import { backendOf, isKnown, theOnlyOne } from './bindings';
import { callWithCache } from './call';

const originals = new WeakMap<Handler, Handler>();

/** What the cache was put around; a function that it was not put around, as it is. */
export const originalOf = (method: Handler): Handler => originals.get(method) ?? method;

type Method = (this: unknown, ...args: unknown[]) => unknown;

/**
 * Puts the cache around a method of a provider, so that whoever calls it, the object itself included, goes
 * through it. Handlers of HTTP requests are left to the interceptors: the function that Nest calls for them is
 * this one, and it only hands on.
 */
export function wrapMethod(descriptor: PropertyDescriptor): void {
  const original = descriptor.value as Method;
  if (originals.has(original)) return;
  const method: Method = function (this: unknown, ...args) {
    if (isRoute(method)) return original.apply(this, args);
    const owner = (this as object | null)?.constructor as Class | undefined;
    const operations = owner === undefined ? undefined : operationsOf(owner, method);
    if (operations === undefined || operations.isOff) return plain(original.apply(this, args));
    const backend = backendOf(this) ?? (isKnown(this as object) ? undefined : onlyOne(operations));
    if (backend === undefined) warnOfWrite(operations);
    if (backend?.enabled !== true) return plain(original.apply(this, args));
    const invoke = async (): Promise<unknown> => original.apply(this, args);
    return callWithCache({ backend, operations, args, invoke, instance: this as object });
  };
  Object.defineProperty(method, 'name', { value: original.name });
  // What other decorators have said of the function counts for the one that takes its place.
  for (const key of Reflect.getMetadataKeys(original) as unknown[]) {
    Reflect.defineMetadata(key, Reflect.getMetadata(key, original), method);
  }
  originals.set(method, original);
  descriptor.value = method;
}

const isWrite = ({ evict, put }: Operations): boolean => evict.length + put.length > 0;

/** A read without its cache is merely slow; a write that tells nobody leaves others with what it has replaced. */
const onlyOne = (operations: Operations): CacheBackend | undefined => (isWrite(operations) ? theOnlyOne() : undefined);

function warnOfWrite(operations: Operations): void {
  if (!isWrite(operations) || !isNews(operations.where)) return;
  new Logger('CacheEvict').warn(
    `${operations.where} ran without a cache, and nothing is invalidated: no application has made its object and more ` +
      'than one, or none, is open; or its application has closed',
  );
}

/** The interceptors unwrap what a handler returns. */
const isRoute = (method: Method): boolean => Reflect.hasMetadata(NEST.path, method);

/** What the caller would get with the cache on: tags are for the cache alone. */
function plain(result: unknown): unknown {
  return result instanceof Promise ? result.then(untouched) : untouched(result);
}
