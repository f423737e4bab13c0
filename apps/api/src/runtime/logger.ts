import { ConsoleLogger } from '@nestjs/common';
import type { Config } from '../config/config';

const LEVELS = ['fatal', 'error', 'warn', 'log', 'debug', 'verbose'] as const;
/** Nest's own account of its start: of use when something does not resolve, noise otherwise. */
const STARTUP_CONTEXTS = new Set([
  'NestFactory',
  'InstanceLoader',
  'RoutesResolver',
  'RouterExplorer',
  'NestApplication',
]);

/** JSON lines in production, text otherwise; without Nest's start-up chatter unless debugging. */
export function createLogger(config: Config): ConsoleLogger {
  const levels = LEVELS.slice(0, LEVELS.indexOf(config.LOG_LEVEL) + 1);
  const options = { json: config.NODE_ENV === 'production', logLevels: levels, prefix: 'strata' };
  return levels.includes('debug') ? new ConsoleLogger(options) : new QuietLogger(options);
}

class QuietLogger extends ConsoleLogger {
  override log(message: unknown, ...rest: unknown[]): void {
    if (STARTUP_CONTEXTS.has(String(rest.at(-1)))) return;
    super.log(message, ...rest);
  }
}
