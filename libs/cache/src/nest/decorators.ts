import { applyDecorators, Inject, SetMetadata, UseInterceptors } from '@nestjs/common';
import { CacheError } from '../core/errors';
import { CacheEvictInterceptor } from './cache-evict.interceptor';
import { CachePutInterceptor } from './cache-put.interceptor';
import { CacheableInterceptor } from './cacheable.interceptor';
import { declarationsOf, type Declarations } from './declarations';
import type {
  CacheableOptions,
  CacheConfigOptions,
  CacheEvictOptions,
  CachePutOptions,
  CachingOptions,
  MethodCacheableOptions,
} from './decorator-options';
import { CACHE_CONFIG_METADATA, CACHE_METADATA, NEST, NO_CACHE_METADATA } from './metadata';
import { wrapMethod } from './methods/wrap';
import { NoCacheInterceptor } from './no-cache.interceptor';
import { parseCacheable, parseCacheEvict, parseCachePut } from './operations';

/** A method that a promise comes from; `M` gives the types of its arguments and its result. */
export type AsyncMethod = (...args: never[]) => Promise<unknown>;

/** Fits methods with exactly the arguments and the result of `M`. */
export type MethodDecoratorOf<M> = (
  target: object,
  property: string | symbol,
  descriptor: TypedPropertyDescriptor<M>,
) => void;

type Arguments<M extends AsyncMethod> = Readonly<Parameters<M>>;
type Result<M extends AsyncMethod> = Awaited<ReturnType<M>>;

/**
 * Serves the results of a method from the cache: of an HTTP handler (guards have run before; pipes and the handler
 * run on a miss only, once for all who wait), or of any method of a provider that returns a promise, whoever calls
 * it. `@Cacheable<Prices['of']>({ … })` takes the types of the functions from the method.
 *
 * @throws CacheError `INVALID_OPTIONS` when the class is defined, or when the application starts
 * @publicApi
 */
export function Cacheable(options?: CacheableOptions): MethodDecorator;
export function Cacheable<A extends readonly unknown[], R>(
  options: MethodCacheableOptions<A, R>,
): MethodDecoratorOf<(...args: [...A]) => Promise<R>>;
export function Cacheable<M extends AsyncMethod>(
  options?: MethodCacheableOptions<Arguments<M>, Result<M>>,
): MethodDecoratorOf<M>;
export function Cacheable(options: object = {}): MethodDecorator {
  return declaring((declared, where) => {
    if (declared.cacheable !== undefined) throw new CacheError('INVALID_OPTIONS', `@Cacheable is twice on ${where}`);
    return { ...declared, cacheable: options };
  }, CacheableInterceptor);
}

/**
 * Always runs the method, and puts what it has written into the place of the entry, unless another write of it may
 * have come between: then the next read loads.
 *
 * @throws CacheError `INVALID_OPTIONS` when the class is defined
 * @publicApi
 */
export function CachePut(options: CachePutOptions): MethodDecorator;
export function CachePut<A extends readonly unknown[], R>(
  options: CachePutOptions<A, R>,
): MethodDecoratorOf<(...args: [...A]) => Promise<R>>;
export function CachePut<M extends AsyncMethod>(
  options: CachePutOptions<Arguments<M>, Result<M>>,
): MethodDecoratorOf<M>;
export function CachePut(options: object): MethodDecorator {
  const put = options as CachePutOptions<never[]>;
  return declaring((declared) => ({ ...declared, put: [...declared.put, put] }), CachePutInterceptor);
}

/**
 * Invalidates after the method has succeeded, and waits for it before the answer leaves: the next read anywhere
 * sees the write. A method that throws evicts nothing. Put it on the method that ends the transaction: what is
 * invalidated before the commit may be loaded again from before it.
 *
 * @throws CacheError `INVALID_OPTIONS` when the class is defined
 * @publicApi
 */
export function CacheEvict(options: CacheEvictOptions): MethodDecorator;
export function CacheEvict<A extends readonly unknown[], R>(
  options: CacheEvictOptions<A, R>,
): MethodDecoratorOf<(...args: [...A]) => Promise<R>>;
export function CacheEvict<M extends AsyncMethod>(
  options: CacheEvictOptions<Arguments<M>, Result<M>>,
): MethodDecoratorOf<M>;
export function CacheEvict(options: object): MethodDecorator {
  const evict = options as CacheEvictOptions<never[]>;
  return declaring((declared) => ({ ...declared, evict: [...declared.evict, evict] }), CacheEvictInterceptor);
}

/** Several `@CachePut` and `@CacheEvict` at once. @publicApi */
export function Caching(options: CachingOptions): MethodDecorator;
export function Caching<M extends AsyncMethod>(options: CachingOptions<Arguments<M>, Result<M>>): MethodDecoratorOf<M>;
export function Caching({
  put = [],
  evict = [],
}: {
  put?: readonly object[];
  evict?: readonly object[];
}): MethodDecorator {
  return applyDecorators(
    ...put.map((options) => CachePut(options as CachePutOptions)),
    ...evict.map((options) => CacheEvict(options as CacheEvictOptions)),
  );
}

/** Defaults for the decorators on the methods of a class; what a method says itself comes first. @publicApi */
export function CacheConfig(options: CacheConfigOptions): ClassDecorator {
  return SetMetadata(CACHE_CONFIG_METADATA, options);
}

/**
 * Keeps a method, or all methods of a class, out of the cache whatever other decorators say; answers of HTTP
 * handlers leave with `Cache-Control: no-store`. @publicApi
 */
export function NoCache(): ClassDecorator & MethodDecorator {
  return applyDecorators(SetMetadata(NO_CACHE_METADATA, true), UseInterceptors(NoCacheInterceptor));
}

/** Token of a cache that `CacheModule.forFeature` has declared. */
export const cacheToken = (name: string): string => `strata:cache:${name}`;

/** Injects the named cache (`TieredCache`) that `CacheModule.forFeature` has declared. @publicApi */
export const InjectCache = (name: string): PropertyDecorator & ParameterDecorator => Inject(cacheToken(name));

type Interceptor = Parameters<typeof UseInterceptors>[0];

/** Why a method cannot have a cache around it, as far as that is seen where it is defined. */
function refusalOf(target: object, method: { readonly constructor: { readonly name: string } }): string | undefined {
  if (typeof target === 'function') return 'a static method belongs to no application whose cache it could use';
  const isGenerator = /^(Async)?GeneratorFunction$/.test(method.constructor.name);
  return isGenerator ? 'what a generator yields cannot be kept: return a promise of a list' : undefined;
}

/** Adds to the declarations of a method. Wrong options end the start here, where the class is defined. */
function declaring(
  add: (declared: Declarations, where: string) => Declarations,
  interceptor: Interceptor,
): MethodDecorator {
  return (target, property, descriptor: PropertyDescriptor) => {
    const where = `${target.constructor.name}.${String(property)}`;
    if (typeof descriptor?.value !== 'function') {
      throw new CacheError('INVALID_OPTIONS', `decorators on ${where}: only methods can be cached`);
    }
    const refusal = refusalOf(target, descriptor.value as () => unknown);
    if (refusal !== undefined) throw new CacheError('INVALID_OPTIONS', `decorators on ${where}: ${refusal}`);
    wrapMethod(descriptor);
    const handler = descriptor.value as () => unknown;
    const declared = add(
      declarationsOf(handler) ?? { property: String(property), cacheable: undefined, put: [], evict: [] },
      where,
    );
    if (declared.cacheable !== undefined) parseCacheable(declared.cacheable, where);
    for (const options of declared.put) parseCachePut(options, where);
    for (const options of declared.evict) parseCacheEvict(options, where);
    Reflect.defineMetadata(CACHE_METADATA, declared, handler);
    // Once, however many decorators of a kind there are: it does the work of all.
    const known = (Reflect.getMetadata(NEST.interceptors, handler) ?? []) as unknown[];
    if (!known.includes(interceptor)) UseInterceptors(interceptor)(target, property, descriptor);
  };
}
