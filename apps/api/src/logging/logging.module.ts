import { Module, type DynamicModule } from '@nestjs/common';
import { LogLevelController } from './log-level.controller';
import { ServiceLogger } from './service-logger';

@Module({})
export class LoggingModule {
  /** Gives the logger that the application was created with to those who need more than Nest's `Logger`. */
  static forRoot(logger: ServiceLogger): DynamicModule {
    return {
      module: LoggingModule,
      global: true,
      controllers: [LogLevelController],
      providers: [{ provide: ServiceLogger, useValue: logger }],
      exports: [ServiceLogger],
    };
  }
}
