import { Injectable, NotFoundException } from '@nestjs/common';
import { InjectDataSource } from '@nestjs/typeorm';
import { DataSource, type EntityManager, type SelectQueryBuilder } from 'typeorm';
import { ProductEntity } from '../database/product.entity';
import type { ListQuery, NewProduct, ProductChange } from './product.schemas';
import { presentProduct, type Product } from './product.view';

/** One page of a list and the size of the whole. */
export interface ProductPage {
  readonly products: Product[];
  readonly total: number;
}

/** A written product and the category it had before. */
export interface ProductWrite {
  readonly product: Product;
  readonly previousCategory: string;
}

const SORT_COLUMNS: Record<string, string> = { id: 'id', name: 'name', price: 'price', createdAt: 'createdAt' };

/** Products in PostgreSQL. Knows nothing of caches. */
@Injectable()
export class ProductsService {
  constructor(@InjectDataSource() private readonly source: DataSource) {}

  async find(id: number): Promise<Product> {
    const product = await this.source.getRepository(ProductEntity).findOneBy({ id });
    if (product === null) throw missing(id);
    return presentProduct(product);
  }

  async list(query: ListQuery): Promise<ProductPage> {
    const selection = filtered(this.source.getRepository(ProductEntity).createQueryBuilder('p'), query);
    const descending = query.sort.startsWith('-');
    const column = SORT_COLUMNS[query.sort.replace('-', '')]!;
    const direction = descending ? 'DESC' : 'ASC';
    const page = selection.clone().orderBy(`p.${column}`, direction);
    if (column !== 'id') page.addOrderBy('p.id', direction);
    const [products, total] = await Promise.all([
      page.limit(query.limit).offset(query.offset).getMany(),
      selection.getCount(),
    ]);
    return { products: products.map(presentProduct), total };
  }

  async create(product: NewProduct): Promise<Product> {
    const repository = this.source.getRepository(ProductEntity);
    return presentProduct(await repository.save(repository.create(product)));
  }

  /** All or none. Returns the ids in the order of the input. */
  async createAll(products: readonly NewProduct[]): Promise<number[]> {
    return this.source.transaction(async (manager) => {
      const result = await manager.insert(ProductEntity, [...products]);
      return result.identifiers.map((row) => row['id'] as number);
    });
  }

  replace(id: number, product: NewProduct): Promise<ProductWrite> {
    return this.write(id, (entity) => Object.assign(entity, product));
  }

  change(id: number, change: ProductChange): Promise<ProductWrite> {
    return this.write(id, (entity) => Object.assign(entity, change));
  }

  async remove(id: number): Promise<ProductWrite> {
    return this.source.transaction(async (manager) => {
      const entity = await locked(manager, id);
      const product = presentProduct(entity);
      await manager.remove(entity);
      return { product, previousCategory: product.category };
    });
  }

  private write(id: number, apply: (entity: ProductEntity) => void): Promise<ProductWrite> {
    return this.source.transaction(async (manager) => {
      const entity = await locked(manager, id);
      const previousCategory = entity.category;
      apply(entity);
      return { product: presentProduct(await manager.save(entity)), previousCategory };
    });
  }
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

/** Row lock: the category read here is the one the write replaces. */
async function locked(manager: EntityManager, id: number): Promise<ProductEntity> {
  const entity = await manager.findOne(ProductEntity, { where: { id }, lock: { mode: 'pessimistic_write' } });
  if (entity === null) throw missing(id);
  return entity;
}

function missing(id: number): NotFoundException {
  return new NotFoundException(`product ${id} does not exist`);
}
