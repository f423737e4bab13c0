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
  const { code } = error as SystemError;
  if (code === 'EADDRINUSE') {
    return `Strata cannot start: port ${config?.PORT} is taken. Stop what listens there, or set PORT to another one.`;
  }
  if (code === 'EACCES') return `Strata cannot start: port ${config?.PORT} needs more rights. Set PORT above 1023.`;
  if (error instanceof UserError) return `Strata cannot start: ${error.message}`;
  return explainDatabase(error, config);
}

function explainDatabase(error: SystemError, config: Config | undefined): string | undefined {
  const { code } = error.name === 'AggregateError' ? firstOf(error) : error;
  const where =
    config?.DATABASE_URL === undefined ? 'the database' : `the database at ${new URL(config.DATABASE_URL).host}`;
  if (code === 'ECONNREFUSED') return `Strata cannot start: ${where} refuses connections. Is it running?`;
  if (code === 'ENOTFOUND' || code === 'EAI_AGAIN') return `Strata cannot start: the host of ${where} is not known.`;
  if (code === '28P01' || code === '28000') {
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
