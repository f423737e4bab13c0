import { operationsOf, type Class, type Handler } from '../declarations';
import { NEST } from '../metadata';
import { untouched } from '../touched';
import { backendOf } from './bindings';
import { callWithCache } from './call';

const wrapped = new WeakSet<Handler>();

type Method = (this: unknown, ...args: unknown[]) => unknown;

/**
 * Puts the cache around a method of a provider, so that whoever calls it, the object itself included, goes
 * through it. Handlers of HTTP requests are left to the interceptors: the function that Nest calls for them is
 * this one, and it only hands on.
 */
export function wrapMethod(descriptor: PropertyDescriptor): void {
  const original = descriptor.value as Method;
  if (wrapped.has(original)) return;
  const method: Method = function (this: unknown, ...args) {
    if (isRoute(method)) return original.apply(this, args);
    const backend = backendOf(this);
    if (backend === undefined || !backend.enabled) return plain(original.apply(this, args));
    const owner = (this as object).constructor as Class;
    const operations = operationsOf(owner, method);
    if (operations === undefined || operations.isOff) return plain(original.apply(this, args));
    const invoke = async (): Promise<unknown> => original.apply(this, args);
    return callWithCache({ backend, operations, args, invoke, instance: this as object });
  };
  Object.defineProperty(method, 'name', { value: original.name });
  // What other decorators have said of the function counts for the one that takes its place.
  for (const key of Reflect.getMetadataKeys(original) as unknown[]) {
    Reflect.defineMetadata(key, Reflect.getMetadata(key, original), method);
  }
  wrapped.add(method);
  descriptor.value = method;
}

/** The interceptors unwrap what a handler returns. */
const isRoute = (method: Method): boolean => Reflect.hasMetadata(NEST.path, method);

/** What the caller would get with the cache on: tags are for the cache alone. */
function plain(result: unknown): unknown {
  return result instanceof Promise ? result.then(untouched) : untouched(result);
}
