import { Injectable } from '@nestjs/common';
import { InjectDataSource } from '@nestjs/typeorm';
import { CacheBackend } from '@strata/cache';
import { DataSource } from 'typeorm';

/** Answer of `GET /health`. */
export interface Health {
  readonly status: 'healthy' | 'degraded';
  readonly timestamp: string;
  readonly cacheStatus: { local: 'active' | 'disabled'; redis: 'connected' | 'disconnected' | 'disabled' };
}

const PROBE_LIMIT_MS = 2_000;

@Injectable()
export class HealthService {
  constructor(
    @InjectDataSource() private readonly source: DataSource,
    private readonly backend: CacheBackend,
  ) {}

  async glance(): Promise<Health> {
    const { configured, connected } = this.backend.redis;
    const redis = !configured ? 'disabled' : connected ? 'connected' : 'disconnected';
    const healthy = redis !== 'disconnected' && (await this.databaseAnswers());
    return {
      status: healthy ? 'healthy' : 'degraded',
      timestamp: new Date().toISOString(),
      cacheStatus: { local: this.backend.enabled ? 'active' : 'disabled', redis },
    };
  }

  /** False only when the database is unreachable and no cached answer could be given either. */
  async canServe(): Promise<boolean> {
    if (await this.databaseAnswers()) return true;
    return this.backend.enabled && this.backend.strata.state.leaseHeld && this.entries() > 0;
  }

  private entries(): number {
    return this.backend.strata.all().reduce((total, cache) => total + cache.localUsage.size, 0);
  }

  private async databaseAnswers(): Promise<boolean> {
    const limit = new Promise<false>((resolve) => setTimeout(resolve, PROBE_LIMIT_MS, false).unref());
    const answer = this.source.query('SELECT 1').then(
      () => true,
      () => false,
    );
    return Promise.race([answer, limit]);
  }
}
