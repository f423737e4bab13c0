import type { DataSource, SelectQueryBuilder } from 'typeorm';
import { ProductEntity } from '../database/product.entity';
import type { ListQuery } from './product.schemas';

const SORT_COLUMNS: Record<string, string> = { id: 'id', name: 'name', price: 'price', createdAt: 'createdAt' };

/** The two queries behind a list: one page in a stable order, and everything that matches. */
export function listQueries(
  source: DataSource,
  query: ListQuery,
): { page: SelectQueryBuilder<ProductEntity>; all: SelectQueryBuilder<ProductEntity> } {
  const all = filtered(source.getRepository(ProductEntity).createQueryBuilder('p'), query);
  const column = SORT_COLUMNS[query.sort.replace('-', '')]!;
  const direction = query.sort.startsWith('-') ? 'DESC' : 'ASC';
  const page = all.clone().orderBy(`p.${column}`, direction);
  if (column !== 'id') page.addOrderBy('p.id', direction);
  return { page: page.limit(query.limit).offset(query.offset), all };
}

function filtered(builder: SelectQueryBuilder<ProductEntity>, query: ListQuery): SelectQueryBuilder<ProductEntity> {
  if (query.category !== undefined) builder.andWhere('p.category = :category', query);
  if (query.inStock !== undefined) builder.andWhere('p.inStock = :inStock', query);
  if (query.minPrice !== undefined) builder.andWhere('p.price >= :minPrice', query);
  if (query.maxPrice !== undefined) builder.andWhere('p.price <= :maxPrice', query);
  if (query.search !== undefined) {
    const pattern = `%${query.search.replace(/[\\%_]/g, (special) => `\\${special}`)}%`;
    builder.andWhere('(p.name ILIKE :pattern OR p.description ILIKE :pattern)', { pattern });
  }
  return builder;
}
