import { Injectable, type OnModuleInit } from '@nestjs/common';
import { DiscoveryService, MetadataScanner } from '@nestjs/core';
import { CacheError } from '../core/errors';
import { CacheBackend } from './cache-backend';
import { declarationsOf, operationsOf, type Class, type Handler, type Operations } from './declarations';
import { bind } from './methods/bindings';

/** What TypeScript notes of a method that returns no promise. */
const NOT_ASYNC = new Set<unknown>([String, Number, Boolean, Array, Map, Set, Date, Buffer]);

/** Finds every decorated method when the application starts: ties it to the cache, and refuses what cannot work. */
@Injectable()
export class CacheExplorer implements OnModuleInit {
  constructor(
    private readonly discovery: DiscoveryService,
    private readonly backend: CacheBackend,
  ) {}

  onModuleInit(): void {
    const scanner = new MetadataScanner();
    const holders: Holders = new Map();
    for (const { instance, metatype, isStatic } of this.all()) {
      // What a factory has made is known by what it is; what is made for a request, by its class alone.
      const made = isStatic && typeof instance === 'object' && instance !== null ? instance.constructor : metatype;
      if (typeof made !== 'function' || typeof made.prototype !== 'object') continue;
      const owner = made as unknown as Class;
      const prototype = made.prototype as Record<string, Handler>;
      const decorated = scanner.getAllMethodNames(prototype).filter((name) => declarationsOf(prototype[name]!));
      if (decorated.length === 0) continue;
      for (const name of decorated) {
        const operations = operationsOf(owner, prototype[name]!)!;
        check(operations, owner, name);
        if (declarationsOf(prototype[name]!)!.cacheable?.key === undefined && operations.cacheable !== undefined) {
          checkDefaultKey(operations, owner, isStatic ? instance : undefined, holders);
        }
      }
      bind(owner, isStatic ? (instance as object) : undefined, this.backend);
    }
  }

  private all() {
    const wrappers = [...this.discovery.getControllers(), ...this.discovery.getProviders()];
    return wrappers.map((wrapper) => ({
      instance: wrapper.instance as unknown,
      metatype: wrapper.metatype as unknown,
      isStatic: wrapper.isDependencyTreeStatic(),
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
  if (instance === undefined) refuse('its class is made for each request');
  const other = holders.get(where);
  holders.set(where, { owner, instance });
  if (other === undefined) return;
  if (other.owner !== owner) refuse('two classes have that name');
  if (other.instance !== instance) {
    refuse('the application has two instances of its class, which may answer differently (or list it in one module)');
  }
}

function check(operations: Operations, owner: Class, name: string): void {
  const { where, isRoute, cacheable } = operations;
  if (isRoute) return;
  const { prototype } = owner as unknown as { prototype: object };
  const returned: unknown = Reflect.getMetadata('design:returntype', prototype, name);
  const problems: string[] = [];
  if (NOT_ASYNC.has(returned)) problems.push('the method must return a promise');
  if (cacheable?.scope !== undefined) problems.push('"scope" is for HTTP handlers: put who asks into the key');
  if (cacheable !== undefined && cacheable.vary.length > 0) problems.push('"vary" is for HTTP handlers');
  if (cacheable !== undefined && cacheable.negativeStatuses.length > 0) {
    problems.push('"negativeStatuses" is for HTTP handlers');
  }
  if (problems.length > 0) throw new CacheError('INVALID_OPTIONS', `decorators on ${where}: ${problems.join('; ')}`);
}
