import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Redis } from 'ioredis';
import { findExecutable } from '../../apps/api/src/embedded/find-executable';
import { freePort } from '../../apps/api/src/embedded/free-port';
import { TetheredProcess } from '../../apps/api/src/embedded/tethered-process';
import { eventually } from './eventually';

/** A real Redis that a test may freeze, kill and start again on the same port. */
export class RedisServer {
  private server: TetheredProcess | undefined;
  private pid = 0;

  private constructor(
    readonly port: number,
    private readonly folder: string,
    private settings: readonly string[],
  ) {}

  static async start(...settings: string[]): Promise<RedisServer> {
    const redis = new RedisServer(await freePort(), mkdtempSync(join(tmpdir(), 'strata-test-redis-')), settings);
    await redis.launch();
    return redis;
  }

  get url(): string {
    return `redis://127.0.0.1:${this.port}`;
  }

  get processId(): number {
    return this.pid;
  }

  /** Starts it on its port; also again after {@link kill}. */
  async launch(): Promise<void> {
    const binary = findExecutable('redis-server', 'valkey-server')!;
    const base = ['--port', String(this.port), '--bind', '127.0.0.1', '--save', '', '--appendonly', 'no'];
    this.server = TetheredProcess.start({
      command: binary,
      args: [...base, ...this.settings],
      cwd: this.folder,
      stopSignal: 'TERM',
    });
    this.pid = await eventually(() =>
      this.command(async (c) => Number(/process_id:(\d+)/.exec(await c.info('server'))![1])),
    );
  }

  /** Freezes the process: connections stay, nothing answers. */
  freeze(): void {
    process.kill(this.pid, 'SIGSTOP');
  }

  thaw(): void {
    process.kill(this.pid, 'SIGCONT');
  }

  /** Ends it without a goodbye; what it held is lost. */
  async kill(): Promise<void> {
    process.kill(this.pid, 'SIGKILL');
    await this.server?.stop();
  }

  /** Makes a replica the master that it stays, also when it is started again. */
  async promote(): Promise<void> {
    await this.command((client) => client.call('REPLICAOF', 'NO', 'ONE'));
    this.settings = [];
  }

  /** Writes what it holds to disk; a later {@link launch} begins with that. */
  async save(): Promise<void> {
    await this.command((client) => client.save());
  }

  /** Whether {@link launch} would find something on disk. */
  get hasSaved(): boolean {
    return existsSync(join(this.folder, 'dump.rdb'));
  }

  /** {@link launch} begins with nothing. */
  forget(): void {
    rmSync(join(this.folder, 'dump.rdb'), { force: true });
  }

  /** Runs commands on a connection of its own. */
  async command<R>(run: (client: Redis) => Promise<R>): Promise<R> {
    const client = new Redis(this.port, '127.0.0.1', {
      lazyConnect: true,
      disconnectTimeout: 50,
      retryStrategy: () => null,
    });
    client.on('error', () => undefined);
    try {
      await client.connect();
      return await run(client);
    } finally {
      client.disconnect();
    }
  }

  /** A connection that the test closes by itself. */
  connect(): Redis {
    return new Redis(this.port, '127.0.0.1', { retryStrategy: () => null });
  }

  async stop(): Promise<void> {
    try {
      this.thaw();
    } catch {
      // Already gone.
    }
    await this.server?.stop();
    rmSync(this.folder, { recursive: true, force: true });
  }
}
