import { ConsoleLogger, type LoggerService } from '@nestjs/common';
import { pino, stdTimeFunctions, type Logger as Pino } from 'pino';
import type { Config } from '../config/config';
import { isWritten, LOG_LEVELS, type LogLevel } from './log-level';

/** Nest's own account of its start: of use when something does not resolve, noise otherwise. */
const STARTUP_CONTEXTS = new Set([
  'NestFactory',
  'InstanceLoader',
  'RoutesResolver',
  'RouterExplorer',
  'NestApplication',
]);
/** What pino calls the levels that Nest names in its own way. */
const PINO_LEVEL = {
  fatal: 'fatal',
  error: 'error',
  warn: 'warn',
  log: 'info',
  debug: 'debug',
  verbose: 'trace',
} as const;

/** Facts of one line: numbers, names and templates; never a value, a key, a query or a header of a caller. */
export type LogFacts = Readonly<Record<string, string | number | boolean | undefined>>;

/**
 * The log of the service: one JSON object a line in production, text for people otherwise. Its level may be changed
 * while it runs.
 */
export class ServiceLogger implements LoggerService {
  private readonly write: (level: LogLevel, message: unknown, rest: readonly unknown[]) => void;

  constructor(
    public level: LogLevel,
    format: 'json' | 'text',
    target: Pino = pino(JSON_OPTIONS),
  ) {
    this.write = format === 'json' ? toJson(target) : toText();
  }

  isOn(level: LogLevel): boolean {
    return isWritten(level, this.level);
  }

  /** A line whose facts can be searched: fields in JSON, `name=value` in text. */
  facts(level: LogLevel, context: string, message: string, facts: LogFacts): void {
    if (this.isOn(level)) this.write(level, message, [new Facts(facts), context]);
  }

  fatal(message: unknown, ...rest: unknown[]): void {
    this.line('fatal', message, rest);
  }

  error(message: unknown, ...rest: unknown[]): void {
    this.line('error', message, rest);
  }

  warn(message: unknown, ...rest: unknown[]): void {
    this.line('warn', message, rest);
  }

  log(message: unknown, ...rest: unknown[]): void {
    if (!this.isOn('debug') && STARTUP_CONTEXTS.has(String(rest.at(-1)))) return;
    this.line('log', message, rest);
  }

  debug(message: unknown, ...rest: unknown[]): void {
    this.line('debug', message, rest);
  }

  verbose(message: unknown, ...rest: unknown[]): void {
    this.line('verbose', message, rest);
  }

  private line(level: LogLevel, message: unknown, rest: readonly unknown[]): void {
    if (this.isOn(level)) this.write(level, message, rest);
  }
}

/** The logger that a configuration asks for. */
export function createLogger({ LOG_LEVEL, NODE_ENV }: Pick<Config, 'LOG_LEVEL' | 'NODE_ENV'>): ServiceLogger {
  return new ServiceLogger(LOG_LEVEL, NODE_ENV === 'production' ? 'json' : 'text');
}

const JSON_OPTIONS = {
  // The level is kept here, where Nest's names are known.
  level: 'trace',
  timestamp: stdTimeFunctions.isoTime,
  formatters: { level: (level: string) => ({ level }) },
  base: { service: 'strata', pid: process.pid },
};

function toJson(target: Pino): ServiceLogger['write'] {
  return (level, message, rest) => {
    const { text, context, facts, stack } = partsOf(message, rest);
    // Ours come last: no fact can pass for them.
    target[PINO_LEVEL[level]]({ ...facts, ...(stack === undefined ? {} : { stack }), context }, text);
  };
}

function toText(): ServiceLogger['write'] {
  const target = new ConsoleLogger({ prefix: 'strata', logLevels: [...LOG_LEVELS] });
  return (level, message, rest) => {
    const { text, context = 'Strata', facts = {}, stack } = partsOf(message, rest);
    const words = Object.entries(facts).filter(([, value]) => value !== undefined);
    const line = [text, ...words.map(([name, value]) => `${name}=${value}`)].join(' ');
    if (level === 'error' && stack !== undefined) target.error(line, stack, context);
    else target[level](stack === undefined ? line : `${line}\n${stack}`, context);
  };
}

/** Marks {@link ServiceLogger.facts}: objects of others may hold anything, and are not spread into a line. */
class Facts {
  constructor(readonly facts: LogFacts) {}
}

interface Parts {
  readonly text: string;
  readonly context?: string;
  readonly facts?: LogFacts;
  readonly stack?: string;
}

/** Nest's convention: the context comes last, a stack before it; an error may stand in any place. */
function partsOf(message: unknown, rest: readonly unknown[]): Parts {
  const context = rest.at(-1);
  const others = typeof context === 'string' ? rest.slice(0, -1) : rest;
  const error = [message, ...others].find((one) => one instanceof Error);
  const stack = error?.stack ?? others.find((one) => typeof one === 'string');
  const ours = others.find((one) => one instanceof Facts);
  return {
    text: message instanceof Error ? message.message : textOf(message),
    ...(typeof context === 'string' ? { context } : {}),
    ...(ours === undefined ? {} : { facts: ours.facts }),
    ...(stack === undefined ? {} : { stack }),
  };
}

/** What an object holds is not known here, and may be anybody's: only what it is. */
function textOf(message: unknown): string {
  return typeof message === 'object' && message !== null
    ? `(${message.constructor?.name ?? 'object'})`
    : String(message);
}
