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

/** Milliseconds of an IMF-fixdate (RFC 9110, section 5.6.7), the one form that is still sent. */
function httpDate(text: string): number | undefined {
  const form = /^(Mon|Tue|Wed|Thu|Fri|Sat|Sun), \d\d [A-Z][a-z]{2} \d{4} \d\d:\d\d:\d\d GMT$/;
  const ms = form.test(text) ? Date.parse(text) : NaN;
  return Number.isNaN(ms) ? undefined : ms;
}

/** What a 304 must repeat of the answer it stands for (RFC 9110, section 15.4.5); the rest is left out. */
const OF_304 = new Set(['etag', 'vary', 'cache-control', 'expires', 'content-location', 'date', 'last-modified']);

/** True for a header of the full answer that goes with a 304 too. */
export const belongsTo304 = (name: string): boolean => OF_304.has(name);
