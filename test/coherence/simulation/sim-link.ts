import type { CacheError, Clock, Timer } from '@strata/cache/core';
import type { Connection, ConnectionKind, Network } from './network';
import type { Opening, SimServer } from './sim-server';
import type { Host } from './world';

/** Longest wait for a connection that has been begun. */
export const HANDSHAKE_MS = 60;

interface Waiting {
  readonly since: number;
  readonly fail: (error: CacheError) => void;
}

/** What an instance brings to each of its links. */
export interface LinkEnds {
  readonly network: Network;
  readonly host: Host;
  readonly clock: Clock;
  readonly timeoutMs: number;
  readonly unavailable: () => CacheError;
}

/** A step of a command at the server, with what the step before has told. */
type Step = (server: SimServer, opening: Opening, told: unknown) => unknown;

/**
 * What `RedisLink` does, over the simulated network: one connection, one deadline for all commands on it,
 * the run id asked for once, nothing sent twice.
 */
export class SimLink {
  private connection: Connection | undefined;
  private run: string | undefined;
  private readonly waiting = new Set<Waiting>();
  private watchdog: Timer | undefined;

  constructor(
    private readonly ends: LinkEnds,
    private readonly kind: ConnectionKind,
  ) {
    this.connect();
  }

  get available(): boolean {
    return this.run !== undefined;
  }

  /** Best effort, like an acknowledgement. */
  tell(action: () => void): void {
    if (this.available) this.connection!.toServer(action);
  }

  /** Commands one after the other on the connection, others may come between; the answer of the last. */
  ask<R>(...steps: readonly [...Step[], (server: SimServer, opening: Opening, told: never) => R]): Promise<R> {
    if (this.run === undefined) return Promise.reject(this.ends.unavailable());
    const connection = this.connection!;
    const { server, world } = this.ends.network;
    const opening = { run: this.run, epoch: world.random.hex(16), sentAtSeq: server.seq };
    return new Promise<R>((resolve, reject) => {
      const waiting = { since: this.ends.clock.monotonic(), fail: reject };
      this.waiting.add(waiting);
      this.watch();
      let told: unknown;
      for (const [i, step] of steps.entries()) {
        connection.toServer(() => {
          told = (step as Step)(server, opening, told);
          if (i < steps.length - 1) return;
          connection.toClient(() => {
            this.waiting.delete(waiting);
            resolve(told as R);
          });
        });
      }
    });
  }

  private watch(): void {
    const { clock, timeoutMs } = this.ends;
    this.watchdog ??= clock.after(timeoutMs / 4, () => {
      this.watchdog = undefined;
      const [oldest] = this.waiting;
      const overdue = oldest !== undefined && clock.monotonic() - oldest.since > timeoutMs;
      // After a pause of our own the answers that wait are read first.
      if (overdue) clock.after(0.5, () => this.waiting.has(oldest) && this.reset());
      if (this.waiting.size > 0) this.watch();
    });
  }

  private reset(): void {
    this.connection?.close();
    this.lost();
  }

  private lost(): void {
    this.run = undefined;
    for (const { fail } of this.waiting) fail(this.ends.unavailable());
    this.waiting.clear();
    const { clock, network } = this.ends;
    clock.after(5 + network.world.random.between(0, 15), () => this.connect());
  }

  private connect(): void {
    const { network, host, clock } = this.ends;
    const connection = network.connect(host, this.kind, () => this.lost());
    this.connection = connection;
    clock.after(HANDSHAKE_MS, () => {
      if (this.connection === connection && this.run === undefined) this.reset();
    });
    connection.toServer(() => {
      const { run } = network.server;
      connection.toClient(() => (this.run = run));
    });
  }
}
