// An application on the packed libraries alone: prints what its answers say of the cache, and what else is exported.
import 'reflect-metadata';
import { Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { FastifyAdapter } from '@nestjs/platform-fastify';
import { CacheModule, isCacheError } from '@strata/cache';
import { Strata } from '@strata/cache/core';
import { RedisLink } from '@strata/cache/redis';
import { MemoryFleet } from '@strata/cache/testing';
import { MetricsModule } from '@strata/metrics';
import { Notes } from '../adopt/notes';
import { NotesController, NotesService } from '../adopt/step-2';

@Module({
  imports: [CacheModule.forRoot({ redis: { url: process.env['REDIS_URL']! } }), MetricsModule.forRoot()],
  controllers: [NotesController],
  providers: [NotesService, Notes],
})
class AppModule {}

async function main(): Promise<void> {
  const app = await NestFactory.create(AppModule, new FastifyAdapter(), { logger: false });
  await app.listen(0, '127.0.0.1');
  const get = async (path: string) => fetch(`${await app.getUrl()}${path}`);
  const statuses: (string | null)[] = [];
  for (let i = 0; i < 2; i++) statuses.push((await get('/notes/1')).headers.get('cache-status'));
  const metrics = await (await get('/metrics')).text();
  const exported = [isCacheError, Strata, RedisLink, MemoryFleet].map((one) => one.name);
  process.stdout.write(JSON.stringify({ statuses, hasMetrics: metrics.includes('cache_requests_total{'), exported }));
  await app.close();
}

void main();
