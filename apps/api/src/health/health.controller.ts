import { Controller, Get, ServiceUnavailableException } from '@nestjs/common';
import { ApiOperation, ApiResponse, ApiTags } from '@nestjs/swagger';
import { NoCache } from '@strata/cache';
import { ApiProblems } from '../http/api-docs';
import { HealthService, type Health } from './health.service';

@ApiTags('operations')
@NoCache()
@Controller('health')
export class HealthController {
  constructor(private readonly health: HealthService) {}

  @Get()
  @ApiOperation({ summary: 'Health at a glance', description: '200 also when Redis is down: `degraded`.' })
  @ApiResponse({
    status: 200,
    description: 'State of the service and of the tiers',
    schema: {
      type: 'object',
      properties: {
        status: { type: 'string', enum: ['healthy', 'degraded'] },
        timestamp: { type: 'string', format: 'date-time' },
        cacheStatus: { type: 'object', properties: { local: { type: 'string' }, redis: { type: 'string' } } },
      },
    },
  })
  glance(): Promise<Health> {
    return this.health.glance();
  }

  @Get('live')
  @ApiOperation({ summary: 'The process answers' })
  @ApiResponse({ status: 200, description: 'Alive', schema: { type: 'object' } })
  live(): { status: string } {
    return { status: 'alive' };
  }

  @Get('ready')
  @ApiOperation({ summary: 'Requests can be served' })
  @ApiResponse({ status: 200, description: 'Ready', schema: { type: 'object' } })
  @ApiProblems(503)
  async ready(): Promise<{ status: string }> {
    if (!(await this.health.canServe())) throw new ServiceUnavailableException('the database cannot be reached');
    return { status: 'ready' };
  }
}
