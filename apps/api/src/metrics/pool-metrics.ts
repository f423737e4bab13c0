import { Injectable, type OnModuleDestroy, type OnModuleInit } from '@nestjs/common';
import { InjectDataSource } from '@nestjs/typeorm';
import { Gauge, register } from 'prom-client';
import type { DataSource } from 'typeorm';

/** What `pg` tells of its pool. */
interface Pool {
  readonly totalCount: number;
  readonly idleCount: number;
  readonly waitingCount: number;
}

const NAME = 'database_pool_connections';

/** Pools of this process; more than one only where several applications share it, as in tests. */
const sources = new Set<DataSource>();

/** Shows the pool of PostgreSQL: a queue of waiting loads is the first sign that the database is too slow. */
@Injectable()
export class PoolMetrics implements OnModuleInit, OnModuleDestroy {
  constructor(@InjectDataSource() private readonly source: DataSource) {}

  onModuleInit(): void {
    sources.add(this.source);
    if (register.getSingleMetric(NAME) !== undefined) return;
    new Gauge({
      name: NAME,
      help: 'Connections to PostgreSQL: idle, busy, and queries that wait for one.',
      labelNames: ['state'],
      collect() {
        const pools = [...sources].flatMap((source) => poolOf(source) ?? []);
        const sum = (pick: (pool: Pool) => number): number => pools.reduce((total, pool) => total + pick(pool), 0);
        this.set(
          { state: 'idle' },
          sum(({ idleCount }) => idleCount),
        );
        this.set(
          { state: 'busy' },
          sum(({ totalCount, idleCount }) => totalCount - idleCount),
        );
        this.set(
          { state: 'waiting' },
          sum(({ waitingCount }) => waitingCount),
        );
      },
    });
  }

  onModuleDestroy(): void {
    sources.delete(this.source);
  }
}

function poolOf(source: DataSource): Pool | undefined {
  return (source.driver as unknown as { master?: Pool }).master;
}
