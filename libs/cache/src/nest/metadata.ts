/** What the decorators leave on a method: {@link Declarations}. */
export const CACHE_METADATA = Symbol('strata:cache');
/** What `@CacheConfig` leaves on a class. */
export const CACHE_CONFIG_METADATA = Symbol('strata:cache-config');
/** What `@NoCache` leaves on a class or a method. */
export const NO_CACHE_METADATA = Symbol('strata:no-cache');

/** Token of the options of `CacheModule`. */
export const CACHE_MODULE_OPTIONS = Symbol('strata:options');

/** Metadata of Nest's own decorators, by the names that `@nestjs/common/constants` gives them. */
export const NEST = {
  path: 'path',
  method: 'method',
  host: 'host',
  version: '__version__',
  routeArguments: '__routeArguments__',
  passthrough: '__responsePassthrough__',
  sse: '__sse__',
  redirect: '__redirect__',
  render: '__renderTemplate__',
  interceptors: '__interceptors__',
  guards: '__guards__',
  httpCode: '__httpCode__',
  headers: '__headers__',
  fastifySchema: '__fastify_route_schema__',
} as const;
