/** Why a request went past the cache; the `fwd` values of RFC 9211, section 2.2. */
export type ForwardReason = 'bypass' | 'uri-miss' | 'stale' | 'request' | 'method';

/** What {@link cacheStatus} is told about one answer. */
export type CacheOutcome =
  | { readonly kind: 'hit'; readonly ttlSeconds: number; readonly detail: string }
  | {
      readonly kind: 'forward';
      readonly reason: ForwardReason;
      readonly stored: boolean;
      readonly collapsed: boolean;
      readonly detail?: string;
    };

/** Value of the `Cache-Status` header (RFC 9211): one member, for the cache named `strata`. */
export function cacheStatus(outcome: CacheOutcome): string {
  if (outcome.kind === 'hit') return `strata; hit; ttl=${outcome.ttlSeconds}; detail=${outcome.detail}`;
  const parts = ['strata', `fwd=${outcome.reason}`];
  if (outcome.stored) parts.push('stored');
  if (outcome.collapsed) parts.push('collapsed');
  if (outcome.detail !== undefined) parts.push(`detail=${outcome.detail}`);
  return parts.join('; ');
}
