import { Inject, Injectable, type OnModuleInit } from '@nestjs/common';
import { ApplicationConfig, DiscoveryService, HttpAdapterHost, MetadataScanner } from '@nestjs/core';
import { CacheError } from '../core/errors';
import { wayOf } from './answers-by-itself';
import { CacheBackend } from './cache-backend';
import { CacheEvictInterceptor } from './cache-evict.interceptor';
import { CachePutInterceptor } from './cache-put.interceptor';
import { CacheableInterceptor } from './cacheable.interceptor';
import { declarationsOf, operationsOf, type Class, type Handler, type Operations } from './declarations';
import { CACHE_MODULE_OPTIONS } from './metadata';
import { bind } from './methods/bindings';
import { NoCacheInterceptor } from './no-cache.interceptor';
import type { CacheModuleOptions } from './options';
import { classOf, interceptorsAround } from './outer-interceptors';
import { refuseSerializationHooks } from './serialization-hooks';

const OURS = [CacheableInterceptor, CachePutInterceptor, CacheEvictInterceptor, NoCacheInterceptor];
/** False for what TypeScript notes of a method that returns no promise; of an interface it notes `Object`. */
function mayBeAsync(returned: unknown): boolean {
  if (typeof returned !== 'function' || returned === Object || returned === Promise) return true;
  return typeof (returned.prototype as { then?: unknown } | undefined)?.then === 'function';
}

/** Finds every decorated method when the application starts: ties it to the cache, and refuses what cannot work. */
@Injectable()
export class CacheExplorer implements OnModuleInit {
  private readonly transparent: ReadonlySet<unknown>;

  constructor(
    private readonly discovery: DiscoveryService,
    private readonly backend: CacheBackend,
    private readonly config: ApplicationConfig,
    private readonly host: HttpAdapterHost,
    @Inject(CACHE_MODULE_OPTIONS) { transparentInterceptors = [] }: CacheModuleOptions,
  ) {
    this.transparent = new Set<unknown>([...OURS, ...transparentInterceptors]);
  }

  /** @throws CacheError `INVALID_OPTIONS`: the application does not start, and nobody else will close its cache */
  async onModuleInit(): Promise<void> {
    try {
      this.explore();
    } catch (error) {
      await this.backend.close();
      throw error;
    }
  }

  private explore(): void {
    this.refuseTwice();
    const scanner = new MetadataScanner();
    const holders: Holders = new Map();
    const found: Operations[] = [];
    for (const { instance, metatype, isStatic, isTransient } of this.all()) {
      // What a factory has made is known by what it is; what is made for a request, by its class alone.
      const made = isStatic && typeof instance === 'object' && instance !== null ? instance.constructor : metatype;
      if (typeof made !== 'function' || typeof made.prototype !== 'object') continue;
      const owner = made as unknown as Class;
      const prototype = made.prototype as Record<string, Handler>;
      const decorated = scanner.getAllMethodNames(prototype).filter((name) => declarationsOf(prototype[name]!));
      if (decorated.length === 0) continue;
      for (const name of decorated) {
        const operations = operationsOf(owner, prototype[name]!)!;
        found.push(operations);
        check(operations, owner, name);
        checkAnswer(operations, owner, prototype[name]!);
        this.checkAround(operations, owner, prototype[name]!);
        if (declarationsOf(prototype[name]!)!.cacheable?.key === undefined && operations.cacheable !== undefined) {
          checkDefaultKey(operations, owner, isStatic && !isTransient ? instance : undefined, holders);
        }
      }
      bind(owner, isStatic ? (instance as object) : undefined, this.backend);
    }
    this.openShared(found);
    const hasCachedRoutes = found.some(({ isRoute, isOff, cacheable }) => isRoute && !isOff && cacheable !== undefined);
    // None in an application without HTTP, and a test may put something else in its place.
    const adapter = this.host.httpAdapter as typeof this.host.httpAdapter | undefined;
    if (hasCachedRoutes && this.backend.enabled && adapter !== undefined)
      refuseSerializationHooks(adapter, this.transparent);
  }

  /**
   * Opens what one kind keeps and the other uses too, if only to evict from it; answers of routes first: see
   * `NamedCaches`. Others are for whoever asks first.
   */
  private openShared(found: readonly Operations[]): void {
    const names = (ofRoutes: boolean, keeping: boolean): Set<string | undefined> =>
      new Set(
        found.flatMap(({ isRoute, cacheable, put, evict }) =>
          isRoute === ofRoutes
            ? [...(cacheable ? [cacheable] : []), ...put, ...(keeping ? [] : evict)].map(({ cache }) => cache)
            : [],
        ),
      );
    const open = (ofRoutes: boolean, one: (name: string) => unknown): void => {
      const others = names(!ofRoutes, false);
      for (const name of names(ofRoutes, true)) if (name !== undefined && others.has(name)) one(name);
    };
    open(true, (name) => this.backend.httpCache(name));
    open(false, (name) => this.backend.methodCache(name));
  }

  /**
   * What runs around the cache is given stored bytes: an interceptor that takes a password out of objects would not find
   * it there, and let it pass.
   */
  private checkAround({ where, isRoute, isOff, cacheable }: Operations, owner: Class, handler: Handler): void {
    if (!isRoute || isOff || cacheable === undefined) return;
    const { transparent } = this;
    const around = interceptorsAround(CacheableInterceptor, this.config, owner, handler);
    const odd = around.find((one) => !transparent.has(one) && !transparent.has(classOf(one)));
    if (odd === undefined) return;
    const { name } = classOf(odd);
    throw new CacheError(
      'INVALID_OPTIONS',
      `${name} runs around @Cacheable on ${where}, and would be given the bytes of the answer instead of what the handler returns. ` +
        `If it changes what is returned, put @UseInterceptors(${name}) on the method, above @Cacheable; ` +
        `if it does not look at it, name it: CacheModule.forRoot({ transparentInterceptors: [${name}] })`,
    );
  }

  /** Of two, nobody could tell which one a decorator means, and neither would hear of the other's writes. */
  private refuseTwice(): void {
    const made = this.discovery.getProviders().filter(({ token }) => token === CacheBackend);
    const backends = new Set(made.map(({ instance }) => instance as CacheBackend));
    if (backends.size < 2) return;
    // Nobody else does.
    for (const backend of backends) void backend.close();
    throw new CacheError(
      'INVALID_OPTIONS',
      'CacheModule.forRoot is imported twice: import it once, as a global module',
    );
  }

  private all() {
    const wrappers = [...this.discovery.getControllers(), ...this.discovery.getProviders()];
    return wrappers.map((wrapper) => ({
      instance: wrapper.instance as unknown,
      metatype: wrapper.metatype as unknown,
      isStatic: wrapper.isDependencyTreeStatic(),
      isTransient: wrapper.isTransient,
    }));
  }
}

/** By `Class.method`: the class, and its instance in the container. */
type Holders = Map<string, { readonly owner: Class; readonly instance: unknown }>;

/**
 * A default key has the class and the inputs in it, and nothing that could tell two classes of one name apart, or two
 * instances, each with providers of its own.
 */
function checkDefaultKey({ where }: Operations, owner: Class, instance: unknown, holders: Holders): void {
  const refuse = (reason: string): never => {
    throw new CacheError('INVALID_OPTIONS', `@Cacheable on ${where} needs a "key": ${reason}`);
  };
  if (instance === undefined) refuse('its class is made for each request, or for each that it is injected into');
  const other = holders.get(where);
  holders.set(where, { owner, instance });
  if (other === undefined) return;
  if (other.owner !== owner) refuse('two classes have that name');
  if (other.instance !== instance) {
    refuse('the application has two instances of its class, which may answer differently (or list it in one module)');
  }
}

/** An answer that the handler sends by itself leaves before what it has changed is invalidated. */
function checkAnswer({ where, isRoute, isOff, put, evict }: Operations, owner: Class, handler: Handler): void {
  const isAfter = put.length > 0 || evict.some(({ beforeInvocation }) => !beforeInvocation);
  if (!isRoute || isOff || !isAfter) return;
  const way = wayOf(owner, handler);
  if (way !== 'response' && way !== 'sse') return;
  const reason = way === 'sse' ? 'it sends events' : 'use @Res({ passthrough: true }), and return what it answers';
  throw new CacheError(
    'INVALID_OPTIONS',
    `@CacheEvict or @CachePut on ${where}: its answer would leave before the cache knows of the write: ${reason}`,
  );
}

/** Metadata of message handlers, gateways and resolvers of Nest's other packages. */
const OTHER_TRANSPORTS = ['microservices:handler_type', 'websockets:message_mapping', 'graphql:resolver_type'];

/** The cache is around the route alone: a message that runs the same method would write and tell nobody. */
function refuseOtherTransports({ where, put, evict }: Operations, owner: Class, name: string): void {
  if (put.length + evict.length === 0) return;
  const method = (owner as unknown as { prototype: Record<string, object> }).prototype[name]!;
  if (!OTHER_TRANSPORTS.some((key) => Reflect.hasMetadata(key, method))) return;
  throw new CacheError(
    'INVALID_OPTIONS',
    `decorators on ${where}: it is a route and a message handler; put them on a method of a provider that both call`,
  );
}

function check(operations: Operations, owner: Class, name: string): void {
  const { where, isRoute, cacheable } = operations;
  if (isRoute) return refuseOtherTransports(operations, owner, name);
  const { prototype } = owner as unknown as { prototype: object };
  const returned: unknown = Reflect.getMetadata('design:returntype', prototype, name);
  const problems: string[] = [];
  if (!mayBeAsync(returned)) problems.push('the method must return a promise');
  if (cacheable?.scope !== undefined) problems.push('"scope" is for HTTP handlers: put who asks into the key');
  if (cacheable !== undefined && cacheable.vary.length > 0) problems.push('"vary" is for HTTP handlers');
  if (cacheable !== undefined && cacheable.negativeStatuses.length > 0) {
    problems.push('"negativeStatuses" is for HTTP handlers');
  }
  if (problems.length > 0) throw new CacheError('INVALID_OPTIONS', `decorators on ${where}: ${problems.join('; ')}`);
}
