import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { freePort } from '../../apps/api/src/embedded/free-port';
import { eventually } from './eventually';

const MAIN = join(__dirname, '../../dist/apps/api/src/main.js');

/** The built service in a process of its own. */
export class ServiceProcess {
  private text = '';
  private readonly ended: Promise<number | null>;

  private constructor(
    readonly port: number,
    readonly child: ChildProcess,
  ) {
    this.ended = once(child, 'exit').then(([code]) => code as number | null);
    for (const stream of [child.stdout!, child.stderr!])
      stream.on('data', (chunk: Buffer) => (this.text += chunk.toString()));
  }

  /** Starts it and waits until it is ready. `env` is all that it sees of the environment, but for the PATH. */
  static async start(env: Record<string, string>, port?: number): Promise<ServiceProcess> {
    const started = await ServiceProcess.launch(env, port);
    await started.ready();
    return started;
  }

  /** {@link start} without the waiting. */
  static async launch(env: Record<string, string>, port?: number): Promise<ServiceProcess> {
    const chosen = port ?? (await freePort());
    const child = spawn(process.execPath, [MAIN], {
      env: { PATH: process.env['PATH']!, PORT: String(chosen), DATABASE_POOL_SIZE: '5', WRITE_RATE_LIMIT: '0', ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    return new ServiceProcess(chosen, child);
  }

  get url(): string {
    return `http://127.0.0.1:${this.port}`;
  }

  /** All that it has printed. */
  get output(): string {
    return this.text;
  }

  /** Resolves when it answers that it is ready; rejects with its output when it has ended instead. */
  async ready(): Promise<void> {
    await eventually(async () => {
      if (this.child.exitCode !== null) return true;
      return (await fetch(`${this.url}/health/ready`)).ok;
    });
    if (this.child.exitCode !== null) throw new Error(`the service has ended: ${this.text}`);
  }

  /** SIGTERM; resolves with the exit code when it has drained. */
  async stop(): Promise<number | null> {
    this.child.kill('SIGTERM');
    return this.ended;
  }

  /** SIGKILL, whatever it is doing. */
  async kill(): Promise<void> {
    this.child.kill('SIGKILL');
    await this.ended;
  }
}
