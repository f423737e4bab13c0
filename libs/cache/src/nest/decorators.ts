import { applyDecorators, SetMetadata, UseInterceptors } from '@nestjs/common';
import { CacheEvictInterceptor } from './cache-evict.interceptor';
import { CacheableInterceptor } from './cacheable.interceptor';
import { CACHE_EVICT_METADATA, CACHEABLE_METADATA } from './metadata';
import { parseCacheable, parseCacheEvict, type CacheableOptions, type CacheEvictOptions } from './operations';

/**
 * Serves the answers of an HTTP handler from the cache. Guards have run before; pipes and the handler
 * run on a miss only, once for all who wait.
 *
 * @publicApi
 */
export function Cacheable(options: CacheableOptions): MethodDecorator {
  return (target, property, descriptor: PropertyDescriptor) => {
    const operation = parseCacheable(options, `${target.constructor.name}.${String(property)}`);
    return applyDecorators(SetMetadata(CACHEABLE_METADATA, operation), UseInterceptors(CacheableInterceptor))(
      target,
      property,
      descriptor,
    );
  };
}

/**
 * Invalidates tags after an HTTP handler has succeeded, and waits for it before the answer leaves: the
 * next read anywhere sees the write. A handler that throws evicts nothing.
 *
 * @publicApi
 */
export function CacheEvict(options: CacheEvictOptions): MethodDecorator {
  return (target, property, descriptor: PropertyDescriptor) => {
    const operation = parseCacheEvict(options, `${target.constructor.name}.${String(property)}`);
    return applyDecorators(SetMetadata(CACHE_EVICT_METADATA, operation), UseInterceptors(CacheEvictInterceptor))(
      target,
      property,
      descriptor,
    );
  };
}
