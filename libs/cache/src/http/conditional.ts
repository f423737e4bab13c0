import type { HeaderBag } from './cacheability';
import { noneMatchHits } from './entity-tag';

/** What tells one state of a resource from another. */
export interface Validators {
  readonly etag: string | undefined;
  readonly lastModified: string | undefined;
}

/**
 * True when a conditional GET or HEAD is to be answered with 304 (RFC 9110, section 13.2.2): `If-None-Match`
 * decides alone where it is given; `If-Modified-Since` counts only without it. A date that is none is ignored.
 */
export function isNotModified(request: HeaderBag, { etag, lastModified }: Validators): boolean {
  const noneMatch = request['if-none-match'];
  if (noneMatch !== undefined) return etag !== undefined && noneMatchHits(String(noneMatch), etag);
  const since = request['if-modified-since'];
  if (since === undefined || lastModified === undefined) return false;
  const [asked, changed] = [httpDate(String(since)), httpDate(lastModified)];
  return asked !== undefined && changed !== undefined && changed <= asked;
}

const DAY = '(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun)';
const TIME = '\\d\\d:\\d\\d:\\d\\d';
/** The three forms of RFC 9110, section 5.6.7: the one that is sent today, and two that must still be understood. */
const FORMS = [
  new RegExp(`^${DAY}, \\d\\d [A-Z][a-z]{2} \\d{4} ${TIME} GMT$`),
  new RegExp(`^${DAY}[a-z]{3,6}, \\d\\d-[A-Z][a-z]{2}-\\d\\d ${TIME} GMT$`),
  new RegExp(`^${DAY} [A-Z][a-z]{2} [ \\d]\\d ${TIME} \\d{4}$`),
];

/** Milliseconds of an HTTP date; `undefined` for text that is none. */
function httpDate(text: string): number | undefined {
  if (!FORMS.some((form) => form.test(text))) return undefined;
  const ms = Date.parse(text.endsWith('GMT') ? text : `${text} GMT`);
  return Number.isNaN(ms) ? undefined : ms;
}

/** What a 304 must repeat of the answer it stands for (RFC 9110, section 15.4.5); the rest is left out. */
const OF_304 = new Set(['etag', 'vary', 'cache-control', 'expires', 'content-location', 'date', 'last-modified']);

/** True for a header of the full answer that goes with a 304 too. */
export const belongsTo304 = (name: string): boolean => OF_304.has(name);
