import { mkdtempSync, rmSync } from 'node:fs';
import { createConnection } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { findExecutable } from './find-executable';
import { TetheredProcess } from './tethered-process';
import { UserError } from '../runtime/user-error';

const START_LIMIT_MS = 5_000;

/** A Redis of our own on a unix socket, without disk, ended with this process. */
export class PrivateRedis {
  private constructor(
    readonly socketPath: string,
    readonly binary: string,
    private readonly folder: string,
    private readonly server: TetheredProcess,
  ) {}

  /** Starts `redis-server` or `valkey-server`; `undefined` when neither is on the PATH. */
  static async start(): Promise<PrivateRedis | undefined> {
    const binary = findExecutable('redis-server', 'valkey-server');
    if (binary === undefined) return undefined;
    const folder = mkdtempSync(join(tmpdir(), 'strata-redis-'));
    const socketPath = join(folder, 'redis.sock');
    const server = TetheredProcess.start({
      command: binary,
      args: ['--port', '0', '--unixsocket', socketPath, '--unixsocketperm', '700', '--save', '', '--appendonly', 'no'],
      cwd: folder,
      stopSignal: 'TERM',
    });
    const redis = new PrivateRedis(socketPath, binary, folder, server);
    await redis.untilReachable();
    return redis;
  }

  async stop(): Promise<void> {
    await this.server.stop();
    rmSync(this.folder, { recursive: true, force: true });
  }

  private async untilReachable(): Promise<void> {
    const giveUpAt = Date.now() + START_LIMIT_MS;
    while (!(await reachable(this.socketPath))) {
      if (!this.server.running || Date.now() > giveUpAt) {
        await this.stop();
        throw new UserError(`the private Redis did not start: ${this.server.lastOutput}`);
      }
      await sleep(10);
    }
  }
}

function reachable(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = createConnection(path);
    socket.once('connect', () => {
      socket.destroy();
      resolve(true);
    });
    socket.once('error', () => resolve(false));
  });
}
