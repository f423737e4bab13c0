import { Controller, Get, Res, UseGuards } from '@nestjs/common';
import { ApiBearerAuth, ApiOperation, ApiProduces, ApiResponse, ApiTags } from '@nestjs/swagger';
import { PrometheusController } from '@willsoto/nestjs-prometheus';
import { ApiProblems } from '../http/api-docs';
import { MetricsGuard } from '../security/metrics.guard';

@ApiTags('operations')
@Controller()
export class MetricsController extends PrometheusController {
  @Get()
  @UseGuards(MetricsGuard)
  @ApiOperation({ summary: 'Prometheus metrics' })
  @ApiProduces('text/plain')
  @ApiBearerAuth()
  @ApiResponse({ status: 200, description: 'Text format of Prometheus', schema: { type: 'string' } })
  @ApiProblems(401, 403)
  override index(@Res({ passthrough: true }) response: unknown): Promise<string> {
    return super.index(response);
  }
}
