import { Injectable, NotFoundException, PreconditionFailedException } from '@nestjs/common';
import { InjectDataSource } from '@nestjs/typeorm';
import { DataSource, type EntityManager } from 'typeorm';
import { ProductEntity } from '../database/product.entity';
import { isAsExpected, type Preconditions } from './product.precondition';
import { listQueries } from './list-queries';
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
    const { page, all } = listQueries(this.source, query);
    const [products, total] = await Promise.all([page.getMany(), all.getCount()]);
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

  replace(id: number, product: NewProduct, preconditions: Preconditions = {}): Promise<ProductWrite> {
    return this.write(id, preconditions, (entity) => Object.assign(entity, product));
  }

  change(id: number, change: ProductChange, preconditions: Preconditions = {}): Promise<ProductWrite> {
    return this.write(id, preconditions, (entity) => Object.assign(entity, change));
  }

  async remove(id: number, preconditions: Preconditions = {}): Promise<ProductWrite> {
    return this.source.transaction(async (manager) => {
      const entity = await locked(manager, id, preconditions);
      const product = presentProduct(entity);
      await manager.remove(entity);
      return { product, previousCategory: product.category };
    });
  }

  private write(
    id: number,
    preconditions: Preconditions,
    apply: (entity: ProductEntity) => void,
  ): Promise<ProductWrite> {
    return this.source.transaction(async (manager) => {
      const entity = await locked(manager, id, preconditions);
      const previousCategory = entity.category;
      apply(entity);
      return { product: presentProduct(await manager.save(entity)), previousCategory };
    });
  }
}

/** Row lock: the state that is compared, and the category read here, are what the write replaces. */
async function locked(manager: EntityManager, id: number, preconditions: Preconditions): Promise<ProductEntity> {
  const entity = await manager.findOne(ProductEntity, { where: { id }, lock: { mode: 'pessimistic_write' } });
  if (entity === null) throw missing(id);
  if (!isAsExpected(presentProduct(entity), preconditions)) {
    throw new PreconditionFailedException(
      `product ${id} is not in the state that If-Match or If-None-Match asks for: read it again, then repeat with its new ETag`,
    );
  }
  return entity;
}

function missing(id: number): NotFoundException {
  return new NotFoundException(`product ${id} does not exist`);
}
