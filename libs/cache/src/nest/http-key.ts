import type { KeyPart } from '../http/canonical-key';
import type { CacheRequest } from './cache-request';
import { composedKey } from './composed-key';
import type { Operations } from './declarations';
import { isTag } from '../core/coherence/tags';
import type { Scope } from './decorator-options';

/** Who asks, for routes that do not say so themselves. */
export type Identify = (scope: Exclude<Scope, 'public'>, request: CacheRequest) => string | undefined;

/**
 * The whole key of a request: what the route makes of its inputs, the version of the handler, the request headers
 * it varies by, and whose answer it is. A reason instead when there can be none.
 */
export function fullKey(
  operation: NonNullable<Operations['cacheable']>,
  request: CacheRequest,
  identify: Identify | undefined,
): { readonly key: string } | { readonly bypass: string } {
  const { scope, vary, version } = operation;
  const parts: Record<string, KeyPart> = { version: version === '' ? undefined : version };
  if (scope === 'user' || scope === 'tenant') {
    const who: unknown = operation.identity === undefined ? identify?.(scope, request) : operation.identity(request);
    if (typeof who !== 'string' || who === '') return { bypass: 'no-identity' };
    parts[scope] = who;
  }
  for (const name of vary) parts[`h-${name}`] = headerPart(request.headers[name]);
  // Without a varying header at all the key still differs from that of a route that varies by nothing.
  if (vary.length > 0) parts['varies'] = true;
  const own = (operation.key as (request: CacheRequest) => string | undefined)(request);
  const key = composedKey(own, parts);
  return key === undefined ? { bypass: 'no-key' } : { key };
}

/** Which entry a request is for, with the tags it declares; or why it goes past the cache. */
export function entryOf(
  operation: NonNullable<Operations['cacheable']>,
  request: CacheRequest,
  identify: Identify | undefined,
): { readonly key: string; readonly tags: readonly string[] } | { readonly bypass: string } {
  if (!(operation.condition as (request: CacheRequest) => boolean)(request)) return { bypass: 'condition' };
  const found = fullKey(operation, request, identify);
  if ('bypass' in found) return found;
  const tags = (operation.tags as (request: CacheRequest) => readonly string[])(request);
  return tags.every(isTag) ? { key: found.key, tags } : { bypass: 'tag' };
}

function headerPart(value: CacheRequest['headers'][string]): KeyPart {
  return value === undefined ? undefined : String(value);
}
