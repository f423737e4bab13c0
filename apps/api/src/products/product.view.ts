import type { ProductEntity } from '../database/product.entity';

/** A product as the API shows it. */
export interface Product {
  readonly id: number;
  readonly name: string;
  readonly description: string;
  readonly price: number;
  readonly category: string;
  readonly inStock: boolean;
  readonly createdAt: string;
  readonly updatedAt: string;
}

export function presentProduct(entity: ProductEntity): Product {
  const { id, name, description, price, category, inStock, createdAt, updatedAt } = entity;
  return {
    id,
    name,
    description,
    price: Number(price),
    category,
    inStock,
    createdAt: createdAt.toISOString(),
    updatedAt: updatedAt.toISOString(),
  };
}
