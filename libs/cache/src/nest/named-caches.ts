import { isDeepStrictEqual } from 'node:util';
import { HttpException } from '@nestjs/common';
import { CacheError } from '../core/errors';
import type { CacheOptions } from '../core/options';
import type { TieredCache } from '../core/tiered-cache';
import { richSerializer, RichValueError } from '../drivers/serializers/rich-serializer';
import type { Representation } from '../http/representation';
import { ForOneOnly } from './http-load';
import { ForOneOnly as ForMethodOnly } from './methods/for-one-only';
import { representationSerializer } from './representation-serializer';

/** The cache of answers that exists whoever declares others. */
const OF_ANSWERS = 'http';

type Open = <T>(name: string, options: CacheOptions<T>) => TieredCache<T>;
type StaleRule = CacheOptions['isStaleAllowed'];

interface Declared {
  readonly options: CacheOptions;
  readonly cache: TieredCache;
}

/**
 * Named caches as decorators use them. Answers of routes and values of methods are kept in different forms: where both
 * use one name, the second one has a cache beside it. Which one that is must not depend on who is called first, for all
 * instances have to name them alike: the explorer asks for those of routes, then for those of methods, at the start.
 */
export class NamedCaches {
  private readonly declared = new Map<string, Declared>();
  private readonly answers = new Map<string, TieredCache<Representation>>();
  private readonly values = new Map<string, TieredCache>();

  /** @param defaults of the module: `open` knows them but for rules that are combined here */
  constructor(
    private readonly open: Open,
    private readonly defaults: CacheOptions = {},
  ) {}

  ofAnswers(name: string): TieredCache<Representation> {
    return this.answers.get(name) ?? this.makeForAnswers(name);
  }

  ofMethods(name: string): TieredCache {
    return this.declared.get(name)?.cache ?? this.values.get(name) ?? this.makeForMethods(name);
  }

  /** What is there under a name, for who evicts from it: answers, values or both. */
  under(name: string): readonly Pick<TieredCache, 'delete' | 'clear'>[] {
    const found = [this.declared.get(name)?.cache, this.values.get(name), this.answers.get(name)];
    return found.filter((cache) => cache !== undefined);
  }

  /** @throws CacheError `INVALID_OPTIONS` */
  declare(name: string, options: CacheOptions): TieredCache {
    const known = this.declared.get(name);
    if (known !== undefined && isSame(known.options, options)) return known.cache;
    const problem =
      name === OF_ANSWERS
        ? 'is there for routes, with the "defaults" of the module: choose another name, and "cache" on the routes'
        : 'is declared twice, with different options';
    if (name === OF_ANSWERS || known !== undefined) {
      throw new CacheError('INVALID_OPTIONS', `forFeature: the cache "${name}" ${problem}`);
    }
    const isStaleAllowed = this.forMethods(options.isStaleAllowed);
    const cache = this.open<unknown>(name, { serializer: richSerializer, ...options, isStaleAllowed });
    this.declared.set(name, { options, cache });
    return cache;
  }

  private makeForMethods(name: string): TieredCache {
    const own = this.answers.has(name) ? `${name}-methods` : name;
    const made = this.open<unknown>(own, { serializer: richSerializer, isStaleAllowed: this.forMethods() });
    this.values.set(name, made);
    return made;
  }

  private makeForAnswers(name: string): TieredCache<Representation> {
    const declared = this.declared.get(name)?.options;
    const isTaken = declared !== undefined || this.values.has(name);
    const made = this.open<Representation>(isTaken ? `${name}-http` : name, {
      ...(declared as Partial<CacheOptions<Representation>>),
      serializer: representationSerializer,
      isNegative: ({ status }) => status >= 400,
      isStaleAllowed: (error) => isOfServer(error) && this.allows(error, declared?.isStaleAllowed),
    });
    this.answers.set(name, made);
    return made;
  }

  private forMethods(rule?: StaleRule): (error: unknown) => boolean {
    return (error) => isOfMethod(error) && this.allows(error, rule);
  }

  private allows(error: unknown, rule: StaleRule = this.defaults.isStaleAllowed): boolean {
    return rule?.(error) ?? true;
  }
}

/** Functions count by their source: a helper makes them anew for each module that calls it. */
function isSame(a: CacheOptions, b: CacheOptions): boolean {
  const told = (options: CacheOptions): unknown[] =>
    Object.entries(options).map(([name, value]) => [
      name,
      typeof value === 'function' ? String(value) : (value as unknown),
    ]);
  return isDeepStrictEqual(told(a).sort(), told(b).sort());
}

/** RFC 5861, section 4: stale may stand in for a failure of the server, not for a verdict on the request. */
function isOfServer(error: unknown): boolean {
  return error instanceof HttpException ? error.getStatus() >= 500 : !(error instanceof ForOneOnly);
}

/** An error of the method: not that of a call for itself, nor of a value that has come and cannot be carried. */
const isOfMethod = (error: unknown): boolean => !(error instanceof ForMethodOnly || error instanceof RichValueError);
