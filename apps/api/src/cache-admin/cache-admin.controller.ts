import { Body, Controller, Delete, Get, HttpCode, Post, Res } from '@nestjs/common';
import { ApiOperation, ApiResponse, ApiTags } from '@nestjs/swagger';
import { CacheBackend, CacheEvict, RequestStats } from '@strata/cache';
import type { FastifyReply } from 'fastify';
import { AdminOnly, ApiJsonBody } from '../http/api-docs';
import { invalidation, type Invalidation } from './cache-admin.schemas';
import { cacheStats } from './cache-stats';

@ApiTags('cache')
@Controller('cache')
export class CacheAdminController {
  constructor(
    private readonly backend: CacheBackend,
    private readonly requests: RequestStats,
  ) {}

  @Get('stats')
  @ApiOperation({ summary: 'Statistics of this instance since start' })
  @ApiResponse({ status: 200, description: 'Counters by tier', schema: { type: 'object' } })
  stats(): Record<string, unknown> {
    return cacheStats(this.backend, this.requests);
  }

  @Post('invalidate')
  @HttpCode(200)
  @AdminOnly()
  @ApiOperation({ summary: 'Invalidate tags and keys', description: 'Returns when every instance has done so.' })
  @ApiJsonBody(invalidation, { tags: ['product:7'], keys: ['product?id=8'] })
  @ApiResponse({
    status: 200,
    description: 'What was invalidated',
    schema: {
      type: 'object',
      properties: {
        tags: { type: 'array', items: { type: 'string' } },
        keys: { type: 'array', items: { type: 'string' } },
      },
    },
  })
  async invalidate(
    @Body({ schema: invalidation }) body: Invalidation,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<{ tags: string[]; keys: string[] }> {
    const { tags = [], keys = [] } = body;
    const cache = this.backend.httpCache();
    const results = await Promise.all([
      ...(tags.length === 0 ? [] : [this.backend.strata.invalidateTags(tags)]),
      ...keys.map((key) => cache.delete(key)),
    ]);
    if (results.some((result) => result.deferred)) void reply.header('cache-invalidation', 'deferred');
    return { tags, keys };
  }

  @Delete()
  @HttpCode(204)
  @AdminOnly()
  @ApiOperation({ summary: 'Empty the cache', description: 'This namespace only, on every instance.' })
  @ApiResponse({ status: 204, description: 'Empty' })
  @CacheEvict({ allEntries: true })
  clear(): void {
    return undefined;
  }
}
