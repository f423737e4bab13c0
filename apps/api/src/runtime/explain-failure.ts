import { ConfigError, type Config } from '../config/config';
import { UserError } from './user-error';

interface SystemError extends Error {
  code?: string;
  port?: number;
  address?: string;
}

/**
 * Words a failed start for the person who can mend it: what is wrong, and what to do. `undefined` for
 * what no user can cause: that deserves its stack trace.
 */
export function explainFailure(error: unknown, config?: Config): string | undefined {
  if (error instanceof ConfigError) {
    return ['Strata cannot start; the configuration is wrong:', ...error.problems.map((text) => `  - ${text}`)].join(
      '\n',
    );
  }
  if (!(error instanceof Error)) return undefined;
  if (error instanceof UserError) return `Strata cannot start: ${error.message}`;
  if (isFileError(error)) return `Strata cannot start: ${error.message}. It needs a folder it can write to.`;
  return explainDatabase(error, config);
}

/** Why the service cannot listen, and what to do. */
export function listenProblem(error: NodeJS.ErrnoException, config: Config): string {
  if (error.code === 'EADDRINUSE') {
    return `port ${config.PORT} is taken. Stop what listens there, or set PORT to another one.`;
  }
  if (error.code === 'EACCES') return `port ${config.PORT} needs more rights. Set PORT above 1023.`;
  return `it cannot listen at HOST=${config.HOST} (${error.code ?? error.message}). Set HOST to an address of this machine.`;
}

function isFileError(error: SystemError): boolean {
  return 'path' in error && ['EACCES', 'EPERM', 'EROFS', 'ENOSPC'].includes(error.code ?? '');
}

function explainDatabase(error: SystemError, config: Config | undefined): string | undefined {
  const { code } = error.name === 'AggregateError' ? firstOf(error) : error;
  const where =
    config?.DATABASE_URL === undefined ? 'the database' : `the database at ${new URL(config.DATABASE_URL).host}`;
  if (code === 'ECONNREFUSED') return `Strata cannot start: ${where} refuses connections. Is it running?`;
  if (code === 'ENOTFOUND' || code === 'EAI_AGAIN') return `Strata cannot start: the host of ${where} is not known.`;
  if (code === 'EHOSTUNREACH' || code === 'ENETUNREACH' || code === 'ETIMEDOUT') {
    return `Strata cannot start: ${where} cannot be reached (${code}).`;
  }
  if (code === '57P03' || code === '53300')
    return `Strata cannot start: ${where} says: ${error.message}. Try again soon.`;
  if (code === '28P01' || code === '28000' || /SASL|password/i.test(error.message)) {
    return `Strata cannot start: ${where} refuses user or password. Mend DATABASE_URL.`;
  }
  if (code === '3D000') return `Strata cannot start: ${error.message}. Create it, or mend DATABASE_URL.`;
  if (code === '42P01') return 'Strata cannot start: the tables are missing. Run "npm run migrate" first.';
  if (/timeout/i.test(error.message)) return `Strata cannot start: ${where} does not answer in time.`;
  return undefined;
}

function firstOf(error: SystemError): SystemError {
  return ((error as unknown as AggregateError).errors[0] as SystemError | undefined) ?? error;
}
