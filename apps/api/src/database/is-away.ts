import { isNativeError } from 'node:util/types';

/** SQLSTATE of a connection that is none (08), and of a server that is stopping or starting (57P); errors of the socket. */
const CODES = /^(08...|57P0[1-3]|ECONN\w+|EPIPE|ETIMEDOUT|ENOTFOUND|EAI_AGAIN|EHOSTUNREACH)$/;
/** What `pg` says without a code. */
const WORDS =
  /^(Connection terminated|timeout exceeded when trying to connect|Client has encountered a connection error)/;

/** True for an error that says that the database cannot be reached, not that it has refused something. */
export function isDatabaseAway(error: unknown): boolean {
  // Not `instanceof`: errors of the socket are of Node's own realm, which need not be ours.
  if (!isNativeError(error)) return false;
  const { code } = error as { code?: unknown };
  return (typeof code === 'string' && CODES.test(code)) || WORDS.test(error.message);
}
