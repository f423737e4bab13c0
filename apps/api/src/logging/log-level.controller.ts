import { Body, Controller, Get, Put } from '@nestjs/common';
import { ApiOperation, ApiResponse, ApiTags } from '@nestjs/swagger';
import { NoCache } from '@strata/cache';
import { z } from 'zod';
import { AdminOnly, ApiJsonBody } from '../http/api-docs';
import { LOG_LEVELS, type LogLevel } from './log-level';
import { ServiceLogger } from './service-logger';

const setting = z.strictObject(
  { level: z.enum(LOG_LEVELS, { error: `is one of ${LOG_LEVELS.join(', ')}` }) },
  { error: 'must be a JSON object' },
);
const SCHEMA = { type: 'object', properties: { level: { type: 'string', enum: [...LOG_LEVELS] } } };

/** The level of the log, while the service runs: of this instance, until it ends. */
@ApiTags('operations')
@Controller('log-level')
export class LogLevelController {
  constructor(private readonly logger: ServiceLogger) {}

  @Get()
  @AdminOnly()
  @NoCache()
  @ApiOperation({ summary: 'Level of the log' })
  @ApiResponse({ status: 200, description: 'As it is now', schema: SCHEMA })
  level(): { level: LogLevel } {
    return { level: this.logger.level };
  }

  @Put()
  @AdminOnly()
  @ApiOperation({
    summary: 'Change the level of the log',
    description: 'Of this instance, until it ends. `debug` adds a line for each request.',
  })
  @ApiJsonBody(setting, { level: 'debug' })
  @ApiResponse({ status: 200, description: 'As it is from now on', schema: SCHEMA })
  change(@Body({ schema: setting }) { level }: { level: LogLevel }): { level: LogLevel } {
    this.logger.level = level;
    this.logger.warn(`the level of the log is "${level}" from now on`, 'LogLevel');
    return { level };
  }
}
