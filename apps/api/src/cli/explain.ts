import { DataSource } from 'typeorm';
import { dataSourceOptions } from '../database/data-source';
import { listQueries } from '../products/list-queries';
import { listQuery } from '../products/product.schemas';
import { runCommand } from './run-command';

const QUERIES: Record<string, string>[] = [
  {},
  { category: 'books' },
  { category: 'books', sort: 'price' },
  { category: 'books', sort: '-price', minPrice: '100', maxPrice: '500' },
  { sort: '-createdAt' },
  { sort: 'name', offset: '1000' },
  { search: 'lamp' },
];

/** Prints the plan of typical list queries on the configured database: `npm run explain`. */
void runCommand(async (_config, backing) => {
  const source = await new DataSource(dataSourceOptions({ url: backing.databaseUrl, poolSize: 1 })).initialize();
  try {
    await source.query('ANALYZE products');
    for (const query of QUERIES) {
      const [sql, parameters] = listQueries(source, listQuery.parse(query)).page.getQueryAndParameters();
      const plan = await source.query<{ 'QUERY PLAN': string }[]>(`EXPLAIN (COSTS OFF) ${sql}`, parameters);
      process.stdout.write(`GET /products?${new URLSearchParams(query).toString()}\n`);
      for (const row of plan) process.stdout.write(`    ${row['QUERY PLAN']}\n`);
    }
  } finally {
    await source.destroy();
  }
});
