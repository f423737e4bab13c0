/** Headers of a request, names in lower case. */
export type HeaderBag = Readonly<Record<string, string | string[] | number | undefined>>;

/**
 * Why a request must not be answered from a shared cache, or `undefined` when it may.
 *
 * A request that identifies its sender (`Authorization`, `Cookie`) may only meet a shared entry when the
 * route declares itself public (RFC 9111, section 3.5). `no-store` is honoured (section 5.2.1.5).
 */
export function requestBypass(method: string, headers: HeaderBag, isPublic: boolean): string | undefined {
  if (method !== 'GET' && method !== 'HEAD') return 'method';
  if (hasDirective(headers['cache-control'], 'no-store')) return 'no-store';
  if (isPublic) return undefined;
  if (headers['authorization'] !== undefined) return 'authorization';
  return headers['cookie'] === undefined ? undefined : 'cookie';
}

/** True when a response with these headers may be kept (RFC 9111, sections 3 and 7.3). */
export function responseStorable(headers: HeaderBag): boolean {
  if (headers['set-cookie'] !== undefined) return false;
  const control = headers['cache-control'];
  if (hasDirective(control, 'no-store') || hasDirective(control, 'private')) return false;
  return !String(headers['vary'] ?? '').includes('*');
}

/** True when a `Cache-Control` value holds the directive, with or without an argument. */
export function hasDirective(value: HeaderBag[string], directive: string): boolean {
  if (value === undefined) return false;
  return String(value)
    .split(',')
    .some((part) => part.split('=', 1)[0]!.trim().toLowerCase() === directive);
}
