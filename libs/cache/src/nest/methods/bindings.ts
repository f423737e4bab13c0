import type { CacheBackend } from '../cache-backend';
import type { Class } from '../declarations';

const ofInstances = new WeakMap<object, CacheBackend>();
const ofClasses = new WeakMap<Class, CacheBackend>();

/**
 * Which cache the decorated methods of an instance use: that of the application whose container made it. A class
 * stands for instances that the container makes later (request scope) or does not know.
 */
export function bind(owner: Class, instance: object | undefined, backend: CacheBackend): void {
  ofClasses.set(owner, backend);
  if (instance !== undefined) ofInstances.set(instance, backend);
}

/** Applications of this process whose cache is open. */
const open = new Set<CacheBackend>();

/** From its creation on: what is written while an application starts has to be told, too. */
export function opened(backend: CacheBackend): void {
  open.add(backend);
}

export function closed(backend: CacheBackend): void {
  open.delete(backend);
}

/** True for an object that belongs to an application, open or not, or whose class does. */
export const isKnown = (instance: object): boolean =>
  ofInstances.has(instance) || ofClasses.has(instance.constructor as Class);

/** True for an instance that the container of an application has made, as far as it tells. */
export const isBound = (instance: object): boolean => ofInstances.has(instance);

/** The cache for calls on `instance`; `undefined` before the application has started, and after it has closed. */
export function backendOf(instance: unknown): CacheBackend | undefined {
  if (typeof instance !== 'object' || instance === null) return undefined;
  const backend = ofInstances.get(instance) ?? ofClasses.get(instance.constructor as Class);
  return backend?.isOpen === true ? backend : undefined;
}

/**
 * The cache of the only application there is, for writes of an object that no container has shown us (its module is
 * loaded later, or starts before `CacheModule`): what it has changed must reach the readers.
 */
export const theOnlyOne = (): CacheBackend | undefined => (open.size === 1 ? open.values().next().value : undefined);
