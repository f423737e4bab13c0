import { canonicalKey, type CacheRequest } from '@strata/cache';
import type { Product } from './product.view';
import { listQuery, productId, type ListQuery } from './product.schemas';

/** Tag of one product. */
export const productTag = (id: number): string => `product:${id}`;
/** Tag of every list, whatever its filters. */
export const ALL_LISTS_TAG = 'products:lists';
/** Tag of the lists that no category narrows: any write may change them. */
export const UNFILTERED_LISTS_TAG = 'products:lists:any-category';
/** Tag of the lists of one category. */
export const categoryTag = (category: string): string => `products:category:${category}`;

/** Key of a product; `undefined` for an id the pipe will refuse. */
export function productKey(request: CacheRequest): string | undefined {
  const id = productId.safeParse(request.params['id']);
  return id.success ? canonicalKey('product', { id: id.data }) : undefined;
}

export function productTags(request: CacheRequest): string[] {
  return [productTag(Number(request.params['id']))];
}

/** Key of a list: parsed parameters with their defaults, so that `?limit=20` and no limit share one entry. */
export function productListKey(request: CacheRequest): string | undefined {
  const query = listQuery.safeParse(request.query);
  return query.success ? canonicalKey('products', { ...query.data }) : undefined;
}

export function productListTags(request: CacheRequest): string[] {
  const { category }: Partial<ListQuery> = listQuery.parse(request.query);
  return [ALL_LISTS_TAG, category === undefined ? UNFILTERED_LISTS_TAG : categoryTag(category)];
}

/** The products that a list shows: dropping one of them by its tag drops the list. */
export function shownTags(products: unknown): string[] {
  return (products as readonly Product[]).map(({ id }) => productTag(id));
}

/** What a write to a product of these categories (before and after) leaves outdated. */
export function tagsOfWrite(id: number, ...categories: readonly string[]): string[] {
  return [productTag(id), UNFILTERED_LISTS_TAG, ...new Set(categories.map(categoryTag))];
}
