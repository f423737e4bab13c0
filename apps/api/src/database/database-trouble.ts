import { isNativeError } from 'node:util/types';

/** Errors of connecting, and of a server that is starting or full (57P03, 53300). */
const UNREACHED = /^(08001|08004|57P03|53300|ECONNREFUSED|ENOTFOUND|EAI_AGAIN|EHOSTUNREACH)$/;
/** A connection that broke, perhaps behind a statement that was carried out. */
const BROKEN = /^(08...|57P0[12]|ECONN\w+|EPIPE|ETIMEDOUT)$/;
/** What `pg` says without a code. */
const UNREACHED_WORDS = /^timeout exceeded when trying to connect/;
const BROKEN_WORDS = /^(Connection terminated|Client has encountered a connection error)/;

/**
 * What an error says of the database: `unreached`, nothing has been asked of it; `broken`, what was asked may have been
 * done; `undefined`, it has answered.
 */
export function databaseTrouble(error: unknown): 'unreached' | 'broken' | undefined {
  // Not `instanceof`: errors of the socket are of Node's own realm, which need not be ours.
  if (!isNativeError(error)) return undefined;
  const { code } = error as { code?: unknown };
  const text = typeof code === 'string' ? code : '';
  if (UNREACHED.test(text) || UNREACHED_WORDS.test(error.message)) return 'unreached';
  return BROKEN.test(text) || BROKEN_WORDS.test(error.message) ? 'broken' : undefined;
}
