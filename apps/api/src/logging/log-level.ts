/** Levels of the log, the quietest first; each includes those before it. */
export const LOG_LEVELS = ['fatal', 'error', 'warn', 'log', 'debug', 'verbose'] as const;
export type LogLevel = (typeof LOG_LEVELS)[number];

/** Whether a line of `level` is written while the log is set to `set`. */
export function isWritten(level: LogLevel, set: LogLevel): boolean {
  return LOG_LEVELS.indexOf(level) <= LOG_LEVELS.indexOf(set);
}
