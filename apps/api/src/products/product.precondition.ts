import { entityTag, matchHits } from '@strata/cache';
import type { Product } from './product.view';

/** Strong validator of a product as `GET /products/{id}` sends it. */
export const productEntityTag = (product: Product): string => entityTag(Buffer.from(JSON.stringify(product), 'utf8'));

/** Whether the product is in a state that an `If-Match` header names (RFC 9110, section 13.1.1). */
export function isAsExpected(product: Product, ifMatch: string | undefined): boolean {
  return ifMatch === undefined || matchHits(ifMatch, productEntityTag(product));
}
