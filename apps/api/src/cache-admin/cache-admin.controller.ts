import {
  Body,
  ConflictException,
  Controller,
  Delete,
  Get,
  HttpCode,
  Logger,
  Param,
  Post,
  Req,
  Res,
} from '@nestjs/common';
import { ApiOperation, ApiResponse, ApiTags } from '@nestjs/swagger';
import { CacheBackend, CacheEvict, NoCache, RequestStats, type EntryExplanation, type Warmer } from '@strata/cache';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { AdminOnly, ApiJsonBody, ApiProblems, EVICTED_HEADERS } from '../http/api-docs';
import { ENTRY_SCHEMA, entryKey, invalidation, WARM_SCHEMA, type Invalidation } from './cache-admin.schemas';
import { cacheStats } from './cache-stats';
import { warmState, type WarmState } from './warm-state';

@ApiTags('cache')
@Controller('cache')
export class CacheAdminController {
  /** Who has purged is known by the request id alone: keys and tags may tell what somebody has looked for. */
  private readonly logger = new Logger('CacheAdmin');

  constructor(
    private readonly backend: CacheBackend,
    private readonly requests: RequestStats,
  ) {}

  @Get('stats')
  @NoCache()
  @ApiOperation({ summary: 'Statistics of this instance since start' })
  @ApiResponse({ status: 200, description: 'Counters by tier', schema: { type: 'object' } })
  stats(): Record<string, unknown> {
    return cacheStats(this.backend, this.requests);
  }

  @Get('entries/:key')
  @AdminOnly()
  @NoCache()
  @ApiOperation({
    summary: 'Explain one entry of the HTTP cache',
    description: 'Which tiers hold it, and whether they would serve it or why not. Counts as no read.',
  })
  @ApiResponse({ status: 200, description: 'The entry, tier by tier', schema: ENTRY_SCHEMA })
  @ApiProblems(400)
  explain(@Param('key', { schema: entryKey }) key: string): Promise<EntryExplanation> {
    return this.backend.httpCache().explain(key);
  }

  @Post('warm')
  @HttpCode(202)
  @AdminOnly()
  @ApiOperation({ summary: 'Bring the hottest keys into L1', description: 'Joins a warming that is under way.' })
  @ApiResponse({ status: 202, description: 'Begun; `GET /cache/warm` tells how far it is', schema: WARM_SCHEMA })
  @ApiProblems(409)
  warm(): WarmState {
    void this.warmer().run();
    return warmState(this.warmer().progress);
  }

  @Get('warm')
  @AdminOnly()
  @NoCache()
  @ApiOperation({ summary: 'Progress of the last warming of this instance' })
  @ApiResponse({ status: 200, description: 'Counts of keys', schema: WARM_SCHEMA })
  @ApiProblems(409)
  warmProgress(): WarmState {
    return warmState(this.warmer().progress);
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
    headers: { 'Cache-Invalidation': EVICTED_HEADERS['Cache-Invalidation'] },
  })
  async invalidate(
    @Body({ schema: invalidation }) body: Invalidation,
    @Req() { id }: FastifyRequest,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<{ tags: string[]; keys: string[] }> {
    const { tags = [], keys = [] } = body;
    this.logger.log(`request ${id} invalidates ${tags.length} tags and ${keys.length} keys`);
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
  @ApiResponse({ status: 204, description: 'Empty', headers: EVICTED_HEADERS })
  @CacheEvict({ allEntries: true })
  clear(@Req() { id }: FastifyRequest): void {
    this.logger.log(`request ${id} empties the cache`);
  }

  private warmer(): Warmer {
    const { warmer } = this.backend;
    if (warmer !== undefined) return warmer;
    throw new ConflictException('warming is off: it needs Redis, CACHE_ENABLED=true and CACHE_WARM_KEYS above 0');
  }
}
