import { entityTag, matchHits } from '@strata/cache';
import type { Product } from './product.view';

/** Strong validator of a product as `GET /products/{id}` sends it. */
export const productEntityTag = (product: Product): string => entityTag(Buffer.from(JSON.stringify(product), 'utf8'));

/** The headers of a write that say which state it is for, of whatever encoding that was read. */
export interface Preconditions {
  readonly 'if-match'?: string;
  readonly 'if-none-match'?: string;
}

/**
 * Whether the product is in a state that `If-Match` names, and in none that `If-None-Match` does (RFC 9110, sections
 * 13.1.1 and 13.1.2): the first compares strongly, the second weakly.
 */
export function isAsExpected(product: Product, preconditions: Preconditions): boolean {
  const { 'if-match': match, 'if-none-match': noneMatch } = preconditions;
  const tag = productEntityTag(product);
  if (match !== undefined && !matchHits(match, tag)) return false;
  return noneMatch === undefined || !matchHits(noneMatch.replaceAll('W/', ''), tag);
}
