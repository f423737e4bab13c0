import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';

/** How a server process is started. */
export interface TetherOptions {
  readonly command: string;
  readonly args: readonly string[];
  /** Signal that ends the server in an orderly way. */
  readonly stopSignal: 'INT' | 'TERM';
  /** OS user to run as, when it is not the current one. */
  readonly user?: { uid: number; gid: number } | undefined;
  readonly cwd?: string;
}

// The shell stays between us and the server and holds one end of a pipe: when this process ends, in
// whatever way, `cat` reads the end of the pipe and the server is stopped. No orphan survives kill -9.
const TETHER = `
exec 3<&0
"$@" </dev/null 3<&- &
server=$!
{ cat <&3 >/dev/null; kill -s "$STOP_SIGNAL" "$server" 2>/dev/null; } &
watch=$!
exec 3<&-
wait "$server"
code=$?
kill "$watch" 2>/dev/null
exit "$code"
`;

/** A server that lives as long as this process and no longer. */
export class TetheredProcess {
  private output = '';
  private readonly ended: Promise<unknown>;

  private constructor(private readonly child: ChildProcess) {
    this.ended = once(child, 'exit');
    const keep = (chunk: Buffer): void => {
      this.output = (this.output + chunk.toString()).slice(-8_000);
    };
    child.stdout?.on('data', keep);
    child.stderr?.on('data', keep);
  }

  static start(options: TetherOptions): TetheredProcess {
    const child = spawn('/bin/sh', ['-c', TETHER, 'sh', options.command, ...options.args], {
      // A session of its own: Ctrl-C in the terminal reaches us alone, and we stop the server last.
      detached: true,
      stdio: ['pipe', 'pipe', 'pipe'],
      env: { ...process.env, STOP_SIGNAL: options.stopSignal, LC_ALL: 'C' },
      ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
      ...(options.user ?? {}),
    });
    // The event loop of the service is kept alive by its HTTP server, not by this child.
    child.unref();
    return new TetheredProcess(child);
  }

  /** Last lines the server printed, for error messages. */
  get lastOutput(): string {
    return this.output.trim().split('\n').slice(-5).join('\n');
  }

  get running(): boolean {
    return this.child.exitCode === null && this.child.signalCode === null;
  }

  /** Stops the server and waits until it has ended. */
  async stop(): Promise<void> {
    if (!this.running) return;
    this.child.ref();
    this.child.stdin?.end();
    await this.ended;
  }
}
