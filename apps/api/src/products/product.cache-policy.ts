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

/** What a query says, parsed once for the key and the tags of its request; `undefined` for one the pipe will refuse. */
function parsed(query: CacheRequest['query']): ListQuery | undefined {
  if (!parsedQueries.has(query)) parsedQueries.set(query, listQuery.safeParse(query).data);
  return parsedQueries.get(query);
}

const parsedQueries = new WeakMap<CacheRequest['query'], ListQuery | undefined>();

/** Key of a list: parsed parameters with their defaults, so that `?limit=20` and no limit share one entry. */
export function productListKey(request: CacheRequest): string | undefined {
  const query = parsed(request.query);
  return query === undefined ? undefined : canonicalKey('products', { ...query });
}

export function productListTags(request: CacheRequest): string[] {
  const category = parsed(request.query)?.category;
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
