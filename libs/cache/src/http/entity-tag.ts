import { createHash } from 'node:crypto';
import type { ContentCoding } from './content-coding';

/** One member of a list of entity tags: visible characters but for the quote (RFC 9110, section 8.8.3). */
const MEMBER = /[\t ,]*((?:W\/)?"[\x21\x23-\x7e\x80-\xff]*")[\t ]*(?=,|$)/y;
const SEPARATOR = '\t ,';
const SUFFIX = /-(br|gzip)"$/;

/** Strong validator of these very bytes: 128 bits of their SHA-256. */
export function entityTag(body: Buffer): string {
  return `"${createHash('sha256').update(body).digest('base64url').slice(0, 22)}"`;
}

/** The validator of an encoded form: other bytes need another strong tag (RFC 9110, section 8.8.3.3). */
export function encodedTag(tag: string, coding: ContentCoding): string {
  return coding === 'identity' ? tag : tag.replace(/"$/, `-${coding}"`);
}

/**
 * `If-None-Match` (RFC 9110, section 13.1.2): true when one of the listed tags, or `*`, is `current`. The
 * comparison is weak. What is no entity tag matches nothing.
 */
export function noneMatchHits(header: string, current: string): boolean {
  if (header === current || header.trim() === '*') return true;
  const strong = current.replace(/^W\//, '');
  return listed(header).some((tag) => tag.replace(/^W\//, '') === strong);
}

/**
 * `If-Match` (RFC 9110, section 13.1.1): true when one of the listed tags, or `*`, is `current` in any of its
 * encodings. The comparison is strong: a weak tag never matches.
 */
export function matchHits(header: string, current: string): boolean {
  if (header.trim() === '*') return true;
  return listed(header).some((tag) => !tag.startsWith('W/') && tag.replace(SUFFIX, '"') === current);
}

/** The tags of a list; none of a text that is no such list, whatever tags are in it. */
function listed(header: string): string[] {
  // By hand: an expression for what stands at the end begins anew at each comma, which is quadratic.
  let end = header.length;
  while (end > 0 && SEPARATOR.includes(header[end - 1]!)) end--;
  const text = header.slice(0, end);
  const tags: string[] = [];
  MEMBER.lastIndex = 0;
  while (MEMBER.lastIndex < text.length) {
    const found = MEMBER.exec(text);
    if (found === null) return [];
    tags.push(found[1]!);
  }
  return tags;
}
