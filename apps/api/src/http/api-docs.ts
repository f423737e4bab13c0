import { applyDecorators, UseGuards } from '@nestjs/common';
import { ApiBearerAuth, ApiBody, ApiHeader, ApiQuery, ApiResponse } from '@nestjs/swagger';
import { type z } from 'zod';
import { AdminGuard } from '../security/admin.guard';
import { inputSchema } from './json-schema';
import { PROBLEM_TYPE } from './problem';

const PROBLEMS: Record<number, string> = {
  400: 'The input is wrong; `errors` names each field',
  401: 'The admin token is missing or wrong',
  403: 'Not allowed without an admin token',
  404: 'There is no such thing',
  409: 'Not possible as the service is configured',
  412: 'It is not in the state that `If-Match` or `If-None-Match` asks for',
  413: 'The body is larger than 1 MiB',
  415: 'The body is not `application/json`',
  429: 'Too many writes; `Retry-After` says when to try again',
  503: 'The database cannot be reached, or other instances could not be told (`type` says which)',
  504: 'Not in the cache, and `only-if-cached` was asked for',
};

/** Documents error answers as problem documents (RFC 9457). */
export function ApiProblems(...statuses: readonly number[]): MethodDecorator {
  return applyDecorators(
    ...statuses.map((status) =>
      ApiResponse({
        status,
        description: PROBLEMS[status] ?? 'Error',
        content: { [PROBLEM_TYPE]: { schema: { $ref: '#/components/schemas/Problem' } } },
      }),
    ),
  );
}

/** Guarded by the admin token and the rate limit, and documented so. */
export function AdminOnly(): MethodDecorator {
  return applyDecorators(UseGuards(AdminGuard), ApiBearerAuth(), ApiProblems(401, 403, 429, 503));
}

/** Documents a JSON body by the schema that validates it, with an example that works. */
export function ApiJsonBody(schema: z.ZodType, example: unknown): MethodDecorator {
  return applyDecorators(
    // Not `schema.example`: `@nestjs/swagger` takes that for one of a parameter, and drops it.
    ApiBody({ required: true, schema: inputSchema(schema) as never, examples: { works: { value: example } } }),
    ApiProblems(400, 413, 415),
  );
}

/** Documents query parameters by the schema that validates them. */
export function ApiQueryOf(
  schema: z.ZodObject,
  docs: Readonly<Record<string, { description: string; schema?: object; example?: unknown }>>,
): MethodDecorator {
  return applyDecorators(
    ...Object.keys(schema.shape).map((name) => {
      const { description, schema: shown, example } = docs[name]!;
      return ApiQuery({
        name,
        required: false,
        description,
        schema: { type: 'string', ...shown } as never,
        ...(example === undefined ? {} : { example }),
      });
    }),
  );
}

/** Documents the headers every cached route sends. */
export const CACHED_HEADERS = {
  'Cache-Status': {
    description: 'How the cache took part (RFC 9211)',
    schema: { type: 'string' as const, example: 'strata; hit; ttl=287; detail=L1' },
  },
  ETag: {
    description: 'Strong validator of these very bytes, another one for each encoding',
    schema: { type: 'string' as const, example: '"6tQ2SM1Gg2mXKJv0Wr8Xqw"' },
  },
  'Cache-Control': {
    description: 'How caches between here and the reader may use the answer',
    schema: { type: 'string' as const, example: 'no-cache' },
  },
  Age: {
    description: 'Seconds since the answer was made, on a hit',
    schema: { type: 'integer' as const, example: 12 },
  },
  Vary: { description: 'Request headers that the answer depends on', schema: { type: 'string' as const } },
  'Cache-Groups': {
    description: 'What the answer depends on (RFC 9875)',
    schema: { type: 'string' as const, example: '"product:7"' },
  },
};

/** Documents the headers of an answer that has made others outdated. */
export const EVICTED_HEADERS = {
  'Cache-Group-Invalidation': {
    description: 'Groups that are outdated now, for caches on the way (RFC 9875)',
    schema: { type: 'string' as const, example: '"product:7", "products:lists:any-category"' },
  },
  'Cache-Invalidation': {
    description: '`deferred` when Redis could not be reached: other instances learn of it when it is back',
    schema: { type: 'string' as const, example: 'deferred' },
  },
};

/** Documents the headers of an answer that shows what has been written. */
export const WRITTEN_HEADERS = {
  ETag: {
    description: 'Validator of what has been written, for the `If-Match` of the next write',
    schema: { type: 'string' as const },
  },
  ...EVICTED_HEADERS,
};

/** Documents where a thing is that has been created. */
export const CREATED_HEADERS = {
  Location: { description: 'Path of the product', schema: { type: 'string' as const, example: '/products/101' } },
  ...WRITTEN_HEADERS,
};

/** Documents what a reader may ask of a cached route, and what it answers then. */
export const ApiCached = (): MethodDecorator =>
  applyDecorators(
    ApiHeader({ name: 'If-None-Match', required: false, description: '304 when one of these tags is still true' }),
    ApiHeader({
      name: 'Cache-Control',
      required: false,
      description: '`no-store`, `only-if-cached`; `no-cache` and `max-age=0` from callers with the admin token',
    }),
    ApiResponse({ status: 304, description: 'You have it already; no body', headers: CACHED_HEADERS }),
    ApiProblems(503, 504),
  );

/** Documents a write that can be made conditional. */
export const ApiPreconditions = (): MethodDecorator =>
  applyDecorators(
    ApiHeader({
      name: 'If-Match',
      required: false,
      description: 'Only if the product is still as this ETag says; of any encoding, never weak',
    }),
    ApiHeader({
      name: 'If-None-Match',
      required: false,
      description: 'Only if the product is not as one of these ETags says; `*`: only if there is none',
    }),
    ApiProblems(412),
  );
