import { CacheError } from '../../core/errors';

/** The error of a command that Redis did not carry out. */
export function unavailable(reason: string): CacheError {
  return new CacheError('L2_UNAVAILABLE', `Redis: ${reason}`);
}

/** Error text without the command's arguments, which may be values or passwords. */
export function redacted(error: Error): string {
  return error.message.split('\n', 1)[0]!.slice(0, 120);
}

/** An answer that is an error, as who asked is told. */
export const asUnavailable = (error: Error): CacheError =>
  error instanceof CacheError ? error : unavailable(redacted(error));
