/** Headers of a request, names in lower case. */
export type HeaderBag = Readonly<Record<string, string | string[] | number | undefined>>;

/**
 * Why a request must not be answered from a shared cache, or `undefined` when it may.
 *
 * A request that identifies its sender (`Authorization`, `Cookie`) may only meet a shared entry when the
 * route declares itself public, or says how its key depends on the sender (RFC 9111, section 3.5). `no-store` is honoured (section 5.2.1.5).
 */
export function requestBypass(method: string, headers: HeaderBag, isKeyed: boolean): string | undefined {
  if (method !== 'GET' && method !== 'HEAD') return 'method';
  if (hasDirective(headers['cache-control'], 'no-store')) return 'no-store';
  // A partial answer is made from the whole one by somebody else, or not at all (RFC 9110, section 14.2).
  if (headers['range'] !== undefined) return 'range';
  if (isKeyed) return undefined;
  if (headers['authorization'] !== undefined) return 'authorization';
  return headers['cookie'] === undefined ? undefined : 'cookie';
}

/** True for a request that says who sends it. */
export function identifiesSender(headers: HeaderBag): boolean {
  return headers['authorization'] !== undefined || headers['cookie'] !== undefined;
}

/** The headers that {@link responseStorable} looks at. */
export const DECISIVE_HEADERS = ['set-cookie', 'cache-control', 'content-encoding', 'vary'] as const;

/**
 * True when a response with these headers may be kept (RFC 9111, sections 3, 4.1 and 7.3). One that varies by a
 * request header that is not part of the key (`keyed`) may not. Encodings are a matter of the answer, unless the
 * handler has chosen one itself.
 */
export function responseStorable(headers: HeaderBag, keyed: readonly string[] = []): boolean {
  if (headers['set-cookie'] !== undefined) return false;
  const control = headers['cache-control'];
  if (hasDirective(control, 'no-store') || hasDirective(control, 'private')) return false;
  const coding = headers['content-encoding'];
  if (coding !== undefined && coding !== 'identity' && !keyed.includes('accept-encoding')) return false;
  if (headers['vary'] === undefined) return true;
  const varies = String(headers['vary']).toLowerCase().split(',');
  return varies
    .map((name) => name.trim())
    .every((name) => name !== '*' && ['', 'accept-encoding', ...keyed].includes(name));
}

/** True when the sender wants an answer that was not made before now (RFC 9111, section 5.2.1.4 and 5.2.1.1). */
export function asksForFresh(headers: HeaderBag): boolean {
  const control = headers['cache-control'];
  if (control === undefined) return hasDirective(headers['pragma'], 'no-cache');
  return hasDirective(control, 'no-cache') || /(^|,)\s*max-age\s*=\s*"?0+"?\s*(,|$)/i.test(String(control));
}

/** True when a `Cache-Control` value holds the directive, with or without an argument. */
export function hasDirective(value: HeaderBag[string], directive: string): boolean {
  if (value === undefined) return false;
  return String(value)
    .split(',')
    .some((part) => part.split('=', 1)[0]!.trim().toLowerCase() === directive);
}
