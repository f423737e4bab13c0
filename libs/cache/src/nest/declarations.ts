import { isForOneReader } from './outgoing';
import type { CacheableOptions, CacheConfigOptions, CacheEvictOptions, CachePutOptions } from './decorator-options';
import { CACHE_CONFIG_METADATA, CACHE_METADATA, NEST, NO_CACHE_METADATA } from './metadata';
import { argumentsKey } from './methods/arguments-key';
import {
  parseCacheable,
  parseCacheEvict,
  parseCachePut,
  type CacheableOperation,
  type CacheEvictOperation,
  type CachePutOperation,
} from './operations';
import { routeKey } from './route-key';

/** A class as metadata knows it. */
export type Class = abstract new (...args: never[]) => object;
/** A method as metadata knows it: never called here. */
export interface Handler {
  readonly name: string;
}

/** What the decorators on one method have said, as it was written. */
export interface Declarations {
  /** Name of the method in its class; other decorators may have put a function of another name in its place. */
  readonly property: string;
  readonly cacheable: CacheableOptions | undefined;
  readonly put: readonly CachePutOptions<never[]>[];
  readonly evict: readonly CacheEvictOptions<never[]>[];
}

type Keyed = CacheableOperation & {
  readonly key: NonNullable<CacheableOperation['key']>;
  readonly hasDefaultKey: boolean;
};

/** What is done around one method of one class: declarations, defaults of the class, default key. */
export interface Operations {
  readonly where: string;
  /** True for a handler of HTTP requests: interceptors do the work. */
  readonly isRoute: boolean;
  readonly isOff: boolean;
  readonly cacheable: Keyed | undefined;
  readonly put: readonly CachePutOperation[];
  readonly evict: readonly CacheEvictOperation[];
}

const built = new WeakMap<Handler, WeakMap<Class, Operations>>();

/** The declarations on a method, if there are any. */
export function declarationsOf(handler: Handler): Declarations | undefined {
  return Reflect.getMetadata(CACHE_METADATA, handler) as Declarations | undefined;
}

/**
 * The operations of a method, made once for each class that has it.
 *
 * @throws CacheError `INVALID_OPTIONS` when a default key cannot be made, or the defaults of the class do not fit
 */
export function operationsOf(owner: Class, handler: Handler): Operations | undefined {
  const known = built.get(handler)?.get(owner);
  if (known !== undefined) return known;
  const declared = declarationsOf(handler);
  if (declared === undefined) return undefined;
  const operations = build(owner, handler, declared);
  const ofHandler = built.get(handler) ?? new WeakMap<Class, Operations>();
  built.set(handler, ofHandler.set(owner, operations));
  return operations;
}

/** True when `@NoCache` is on the method or on its class. */
export function isOff(owner: Class, handler: Handler): boolean {
  return [handler, owner].some((place) => Reflect.getMetadata(NO_CACHE_METADATA, place) === true);
}

function build(owner: Class, handler: Handler, { property, cacheable, put, evict }: Declarations): Operations {
  // The class that has the method, which need not be the one that defines it: their results differ.
  const where = `${owner.name}.${property}`;
  const config = (Reflect.getMetadata(CACHE_CONFIG_METADATA, owner) ?? {}) as CacheConfigOptions;
  const isRoute = Reflect.hasMetadata(NEST.path, handler);
  const parsed = cacheable && parseCacheable({ ...inheritable(config, cacheable), ...defined(cacheable) }, where);
  const { cache, version, ttl, ttlJitter, staleWhileRevalidate, staleIfError, negativeTtl } = config;
  const shared = { cache, version, ttl, ttlJitter, staleWhileRevalidate, staleIfError, negativeTtl };
  return Object.freeze({
    where,
    isRoute,
    isOff: isOff(owner, handler),
    cacheable: parsed && {
      ...parsed,
      hasDefaultKey: parsed.key === undefined,
      key:
        parsed.key ??
        (isRoute
          ? routeKey(owner, handler, property, parsed)
          : argumentsKey(nameInClass(owner, handler, property, where))),
    },
    put: put.map((options) => parseCachePut({ ...defined(shared), ...options }, where)),
    evict: evict.map((options) => parseCacheEvict({ ...defined({ cache, version }), ...options }, where)),
  });
}

/** What a class says for caches on the way is not meant for a method that says that its answers are of one reader. */
function inheritable(config: CacheConfigOptions, { scope }: { readonly scope?: unknown }): CacheConfigOptions {
  if (scope !== 'user' && scope !== 'tenant') return config;
  const { cacheControl, cdnCacheControl: _ofOthers, ...others } = config;
  return isForOneReader(cacheControl || undefined) ? { ...others, cacheControl } : others;
}

/** Of a method that its class has overridden, and that is reached by `super`, another place than that of the other. */
function nameInClass(owner: Class, handler: Handler, property: string, where: string): string {
  let holder = owner.prototype as object | null;
  while (holder !== null && Object.getOwnPropertyDescriptor(holder, property)?.value !== handler) {
    holder = Object.getPrototypeOf(holder) as object | null;
  }
  const isOverridden = holder !== null && (owner.prototype as Record<string, unknown>)[property] !== handler;
  return isOverridden ? `${where} of ${holder!.constructor.name}` : where;
}

function defined(options: object): object {
  return Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined));
}
