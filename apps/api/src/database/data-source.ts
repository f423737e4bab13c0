import type { DataSourceOptions } from 'typeorm';
import { CreateProducts1763800000000 } from './migrations/1763800000000-create-products';
import { ProductEntity } from './product.entity';

/** What the connection needs to know. */
export interface DatabaseTarget {
  readonly url: string;
  readonly poolSize: number;
  readonly replicaUrls?: readonly string[] | undefined;
}

/** TypeORM options. The schema changes through migrations alone. */
export function dataSourceOptions(target: DatabaseTarget): DataSourceOptions {
  const replicas = target.replicaUrls ?? [];
  return {
    type: 'postgres',
    entities: [ProductEntity],
    migrations: [CreateProducts1763800000000],
    synchronize: false,
    migrationsTransactionMode: 'each',
    poolSize: target.poolSize,
    extra: { connectionTimeoutMillis: 5_000 },
    // Reads go to the primary unless a query asks for a replica: a cached load from a lagging replica
    // would be stored with a version it does not deserve.
    ...(replicas.length === 0
      ? { url: target.url }
      : {
          replication: {
            master: { url: target.url },
            slaves: replicas.map((url) => ({ url })),
            defaultMode: 'master' as const,
          },
        }),
  };
}
