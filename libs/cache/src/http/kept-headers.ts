/**
 * Headers of one message or one connection, not of what is answered (RFC 9110, sections 6.6.1, 7.6.1 and 11.7;
 * RFC 9111, section 3.1), and those that the cache writes itself.
 */
const NEVER_KEPT = new Set([
  'age',
  'cache-groups',
  'cache-status',
  'connection',
  'content-length',
  'date',
  'keep-alive',
  'proxy-authenticate',
  'proxy-authentication-info',
  'proxy-authorization',
  'proxy-connection',
  'set-cookie',
  'surrogate-key',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
  'x-request-id',
]);

const NAME = /^[a-z0-9!#$%&'*+.^_`|~-]+$/;
const VALUE = /^[\t\x20-\x7e\x80-\xff]*$/;

/**
 * True for a header that goes into an entry. Entries come from L2 too, where somebody else may have written:
 * what could break the framing of an answer is no header there.
 */
export function isKeptHeader(name: string, value: unknown): boolean {
  return !NEVER_KEPT.has(name) && NAME.test(name) && typeof value === 'string' && VALUE.test(value);
}

/** True for the status of an answer that is kept: 200, or an error as a negative entry. */
export function isKeptStatus(status: unknown): boolean {
  return Number.isInteger(status) && (status === 200 || ((status as number) >= 400 && (status as number) < 600));
}
