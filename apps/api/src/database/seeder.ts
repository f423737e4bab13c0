import type { Faker } from '@faker-js/faker';
import type { DataSource } from 'typeorm';
import { ProductEntity } from './product.entity';

/** Categories of the workshop; every seeded list has something in it. */
export const CATEGORIES = ['electronics', 'books', 'clothing', 'food', 'toys'] as const;

const BATCH = 500;
const SEED = 20_250_724;

/** How the seeder works. */
export interface SeedOptions {
  /** Products the table is to hold. */
  readonly count: number;
  /** Empties the table first; ids begin at 1 again. @default false */
  readonly reset?: boolean;
  readonly onProgress?: (done: number, total: number) => void;
}

/**
 * Fills the table up to `count` products, always the same ones. A table that already holds as many is
 * left alone, so that running it twice never doubles rows. Returns how many were added.
 */
export async function seed(source: DataSource, options: SeedOptions): Promise<number> {
  const repository = source.getRepository(ProductEntity);
  if (options.reset === true) await source.query('TRUNCATE products RESTART IDENTITY');
  // Not the number of rows: after a deletion the last product would be added a second time.
  const present = (await repository.maximum('id')) ?? 0;
  const total = Math.max(0, options.count - present);
  options.onProgress?.(0, total);
  let done = 0;
  let batch: Partial<ProductEntity>[] = [];
  const insert = async (): Promise<void> => {
    if (batch.length === 0) return;
    await repository.insert(batch);
    done += batch.length;
    batch = [];
    options.onProgress?.(done, total);
  };
  // Loaded here: a service that seeds nothing starts a seventh faster without the words of made-up products.
  const { Faker, en } = await import('@faker-js/faker');
  let i = 0;
  for (const product of sampleProducts(new Faker({ locale: en, seed: SEED }), options.count)) {
    if (++i <= present) continue;
    if (batch.push(product) === BATCH) await insert();
  }
  await insert();
  return total;
}

/** The first `count` products of the fixed random sequence. */
function* sampleProducts(faker: Faker, count: number): Generator<Partial<ProductEntity>> {
  for (let i = 0; i < count; i++) {
    yield {
      name: faker.commerce.productName(),
      description: faker.commerce.productDescription(),
      price: Number(faker.commerce.price({ min: 1, max: 2_000 })),
      category: CATEGORIES[i % CATEGORIES.length]!,
      inStock: faker.datatype.boolean({ probability: 0.85 }),
    };
  }
}
