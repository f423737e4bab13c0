import { isKey } from '../core/keys';
import { canonicalKey, type KeyPart } from '../http/canonical-key';
import type { CacheRequest } from './cache-request';
import type { CacheableOperation, Scope } from './operations';

/** First character of keys that have further parts. */
const COMPOSED = '\u0001';

/** Who asks, for routes that do not say so themselves. */
export type Identify = (scope: Exclude<Scope, 'public'>, request: CacheRequest) => string | undefined;

/**
 * The whole key of a request: what the route makes of its inputs, the version of the handler, the request headers
 * it varies by, and whose answer it is. A reason instead when there can be none.
 */
export function fullKey(
  operation: CacheableOperation,
  request: CacheRequest,
  identify: Identify | undefined,
): { readonly key: string } | { readonly bypass: string } {
  const { scope, vary, version } = operation;
  const parts: Record<string, KeyPart> = {};
  if (scope === 'user' || scope === 'tenant') {
    const who: unknown = operation.identity === undefined ? identify?.(scope, request) : operation.identity(request);
    if (typeof who !== 'string' || who === '') return { bypass: 'no-identity' };
    parts[scope] = who;
  }
  const key = operation.key(request);
  // The control character begins keys that are put together below: input must not be able to look like one.
  if (key === undefined || key.startsWith(COMPOSED) || !isKey(key)) return { bypass: 'no-key' };
  if (scope !== 'user' && scope !== 'tenant' && vary.length === 0 && version === '') return { key };
  for (const name of vary) parts[`h-${name}`] = headerPart(request.headers[name]);
  if (version !== '') parts['version'] = version;
  // The two parts are told apart by length: neither can be made to look like the end of the other. The control
  // character keeps them apart from keys of routes that have no further part.
  const whole = canonicalKey(`${COMPOSED}${key.length}:${key}`, parts);
  return whole === undefined || !isKey(whole) ? { bypass: 'no-key' } : { key: whole };
}

function headerPart(value: CacheRequest['headers'][string]): KeyPart {
  return value === undefined ? undefined : String(value);
}
