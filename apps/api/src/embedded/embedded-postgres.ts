import { execFile, execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import {
  chmodSync,
  chownSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { Client } from 'pg';
import { freePort } from './free-port';
import { FolderLock } from './folder-lock';
import { postgresBinaries, reachableFolder, serverUser, type OsUser } from './postgres-binaries';
import { TetheredProcess } from './tethered-process';
import { UserError } from '../runtime/user-error';

const run = promisify(execFile);
const START_LIMIT_MS = 30_000;

/** Where and how the embedded server runs. */
export interface EmbeddedPostgresOptions {
  /** Folder for data and password; made when missing, picked up again when there. */
  readonly folder: string;
  /** Further `-c` settings of the server. */
  readonly settings?: Readonly<Record<string, string>>;
}

/** A real PostgreSQL server from the registry package, ended with this process. */
export class EmbeddedPostgres {
  private constructor(
    /** `postgresql://` URL of the database `strata`. */
    readonly url: string,
    readonly folder: string,
    private readonly server: TetheredProcess,
    private readonly lock: FolderLock,
  ) {}

  static async start(options: EmbeddedPostgresOptions): Promise<EmbeddedPostgres> {
    const user = serverUser();
    const bin = postgresBinaries(user);
    const folder = reachableFolder(options.folder, user);
    mkdirSync(folder, { recursive: true });
    const lock = FolderLock.take(folder);
    if (user !== undefined) chownSync(folder, user.uid, user.gid);
    const data = join(folder, 'pg18');
    const password = passwordIn(folder);
    if (!existsSync(data)) await initialise(bin, data, password, user);
    await endFormerServer(bin, data, user);
    const port = await freePort();
    const server = TetheredProcess.start({
      command: join(bin, 'postgres'),
      args: ['-D', data, '-p', String(port), ...settings(options.settings)],
      stopSignal: 'INT',
      cwd: '/',
      user,
    });
    const url = `postgresql://strata:${password}@127.0.0.1:${port}`;
    await untilReady(`${url}/postgres`, server);
    await ensureDatabase(`${url}/postgres`);
    return new EmbeddedPostgres(`${url}/strata`, folder, server, lock);
  }

  async stop(): Promise<void> {
    await this.server.stop();
    this.lock.release();
  }
}

function settings(further: Readonly<Record<string, string>> = {}): string[] {
  const all = { listen_addresses: '127.0.0.1', unix_socket_directories: '', max_connections: '200', ...further };
  return Object.entries(all).flatMap(([name, value]) => ['-c', `${name}=${value}`]);
}

function passwordIn(folder: string): string {
  const file = join(folder, 'password');
  if (!existsSync(file)) writeFileSync(file, randomBytes(18).toString('base64url'), { mode: 0o600 });
  return readFileSync(file, 'utf8').trim();
}

/** After kill -9 the old server may still be shutting down: waits for it, or ends it. */
async function endFormerServer(bin: string, data: string, user: OsUser | undefined): Promise<void> {
  // The pid in a file that outlived its server may belong to anybody by now; PostgreSQL itself knows a
  // stale file when it sees one, so only a process that really is this server is stopped.
  if (!isServerOf(data)) return;
  const stop = ['stop', '-D', data, '-m', 'fast', '-w', '-t', '20'];
  await run(join(bin, 'pg_ctl'), stop, identity(user)).catch(() => undefined);
}

function isServerOf(data: string): boolean {
  try {
    const pid = readFileSync(join(data, 'postmaster.pid'), 'utf8').split('\n', 1)[0]!;
    const command = execFileSync('ps', ['-o', 'command=', '-p', pid]).toString();
    return command.includes('postgres') && command.includes(data);
  } catch {
    return false;
  }
}

/** Made beside and renamed at the end: a half-made cluster must not be taken for a whole one. */
async function initialise(bin: string, data: string, password: string, user: OsUser | undefined): Promise<void> {
  const unfinished = `${data}.unfinished`;
  rmSync(unfinished, { recursive: true, force: true });
  const secret = mkdtempSync(join(tmpdir(), 'strata-initdb-'));
  const file = join(secret, 'password');
  writeFileSync(file, password, { mode: 0o600 });
  if (user !== undefined) for (const path of [secret, file]) chownSync(path, user.uid, user.gid);
  chmodSync(secret, 0o700);
  try {
    await run(
      join(bin, 'initdb'),
      ['-D', unfinished, '-U', 'strata', '--auth=scram-sha-256', `--pwfile=${file}`, '-E', 'UTF8', '--locale=C', '-N'],
      identity(user),
    );
    renameSync(unfinished, data);
  } catch (error) {
    throw new UserError(`initdb failed: ${(error as { stderr?: string }).stderr ?? String(error)}`, { cause: error });
  } finally {
    rmSync(secret, { recursive: true, force: true });
  }
}

function identity(user: OsUser | undefined): { cwd: string; uid?: number; gid?: number } {
  return user === undefined ? { cwd: '/' } : { cwd: '/', uid: user.uid, gid: user.gid };
}

async function untilReady(url: string, server: TetheredProcess): Promise<void> {
  const giveUpAt = Date.now() + START_LIMIT_MS;
  for (;;) {
    const client = new Client({ connectionString: url, connectionTimeoutMillis: 2_000 });
    client.on('error', () => undefined);
    try {
      await client.connect();
      return;
    } catch (error) {
      if (!server.running || Date.now() > giveUpAt) {
        await server.stop();
        throw new UserError(`the embedded PostgreSQL did not start: ${server.lastOutput}`, { cause: error });
      }
      await sleep(25);
    } finally {
      await client.end().catch(() => undefined);
    }
  }
}

async function ensureDatabase(url: string): Promise<void> {
  const client = new Client({ connectionString: url });
  await client.connect();
  try {
    const { rowCount } = await client.query(`SELECT 1 FROM pg_database WHERE datname = 'strata'`);
    if (rowCount === 0) await client.query('CREATE DATABASE strata');
  } finally {
    await client.end();
  }
}
