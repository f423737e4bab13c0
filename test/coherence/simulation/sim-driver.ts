import type { Bus, BusListener, CacheError, Clock, RemoteStore, Timer } from '@strata/cache/core';
import type { Connection, Network } from './network';
import type { Opening, SimServer } from './sim-server';
import type { Host } from './world';

const HANDSHAKE_MS = 60;

interface Waiting {
  readonly since: number;
  readonly fail: (error: CacheError) => void;
}

/**
 * What `RedisLink` and `RedisRemoteStore` do, over the simulated network: one connection, one deadline for
 * all commands on it, the run id asked for once, nothing sent twice.
 */
export class SimStore implements RemoteStore {
  readonly holdsEntries = true;
  private connection: Connection | undefined;
  private run: string | undefined;
  private readonly waiting = new Set<Waiting>();
  private watchdog: Timer | undefined;

  constructor(
    private readonly network: Network,
    private readonly host: Host,
    private readonly clock: Clock,
    private readonly timeoutMs: number,
    private readonly unavailable: () => CacheError,
  ) {
    this.connect();
  }

  get available(): boolean {
    return this.run !== undefined;
  }

  // As the driver does it: several commands in one flush, between which others may come.
  read: RemoteStore['read'] = (key, tags) =>
    this.askInTurn(
      (server) => server.bytesOf(key),
      (server, { run }, bytes) => ({ bytes, read: server.readHead(tags, run) }),
      (server, _opening, { bytes, read }) => server.readTags(tags, bytes, read),
    );

  readTags: RemoteStore['readTags'] = (tags) =>
    this.askInTurn(
      () => undefined,
      (server, { run }) => server.readHead(tags, run),
      (server, _opening, read) => server.readTags(tags, undefined, read),
    );

  grant: RemoteStore['grant'] = (request) => this.ask((server, opening) => server.grant(request, opening));

  fill: RemoteStore['fill'] = (request) =>
    this.askInTurn(
      (server, opening) => server.settle(request, opening),
      (server) => server.store(request),
      (_server, _opening, stored) => stored,
    );

  release: RemoteStore['release'] = (key, token) => this.ask((server) => server.release(key, token));

  invalidate: RemoteStore['invalidate'] = (message) =>
    this.ask((server, opening) => server.invalidate(message, opening));

  heartbeat: RemoteStore['heartbeat'] = (member, beat) =>
    this.ask((server, opening) => server.heartbeat(member, beat, opening));

  removeMember: RemoteStore['removeMember'] = (member, mark) => this.ask((server) => server.removeMember(member, mark));

  /** Best effort, like an acknowledgement. */
  tell(action: () => void): void {
    if (this.available) this.connection!.toServer(action);
  }

  private ask<R>(run: (server: SimServer, opening: Opening) => R): Promise<R> {
    return this.askInTurn(
      () => undefined,
      () => undefined,
      (server, opening) => run(server, opening),
      1,
    );
  }

  /** Commands one after the other on the connection, each with what the one before has told; one answer. */
  private askInTurn<A, B, R>(
    first: (server: SimServer, opening: Opening) => A,
    second: (server: SimServer, opening: Opening, told: A) => B,
    last: (server: SimServer, opening: Opening, told: B) => R,
    messages = 3,
  ): Promise<R> {
    if (this.run === undefined) return Promise.reject(this.unavailable());
    const connection = this.connection!;
    const { server, world } = this.network;
    const opening = { run: this.run, epoch: world.random.hex(16), sentAtSeq: server.seq };
    return new Promise<R>((resolve, reject) => {
      const waiting = { since: this.clock.monotonic(), fail: reject };
      this.waiting.add(waiting);
      this.watch();
      let told: unknown;
      const steps = [first, (s: SimServer, o: Opening) => second(s, o, told as A)].slice(3 - messages);
      for (const step of messages === 1 ? [] : steps) connection.toServer(() => (told = step(server, opening)));
      connection.toServer(() => {
        const result = last(server, opening, told as B);
        connection.toClient(() => {
          this.waiting.delete(waiting);
          resolve(result);
        });
      });
    });
  }

  private watch(): void {
    this.watchdog ??= this.clock.after(this.timeoutMs / 4, () => {
      this.watchdog = undefined;
      const [oldest] = this.waiting;
      const overdue = oldest !== undefined && this.clock.monotonic() - oldest.since > this.timeoutMs;
      // After a pause of our own the answers that wait are read first.
      if (overdue) this.clock.after(0.5, () => this.waiting.has(oldest) && this.reset());
      if (this.waiting.size > 0) this.watch();
    });
  }

  private reset(): void {
    this.connection?.close();
    this.lost();
  }

  private lost(): void {
    this.run = undefined;
    for (const { fail } of this.waiting) fail(this.unavailable());
    this.waiting.clear();
    this.clock.after(5 + this.network.world.random.between(0, 15), () => this.connect());
  }

  private connect(): void {
    const connection = this.network.connect(this.host, 'commands', () => this.lost());
    this.connection = connection;
    this.clock.after(HANDSHAKE_MS, () => {
      if (this.connection === connection && this.run === undefined) this.reset();
    });
    connection.toServer(() => {
      const { run } = this.network.server;
      connection.toClient(() => (this.run = run));
    });
  }
}

/** What `RedisBus` does: a subscription on a connection of its own, confirmed before its first message. */
export class SimBus implements Bus {
  private connection: Connection | undefined;
  private member = '';
  private listener: BusListener | undefined;
  private confirmed = false;

  constructor(
    private readonly network: Network,
    private readonly host: Host,
    private readonly clock: Clock,
    private readonly store: SimStore,
  ) {}

  start(member: string, listener: BusListener): void {
    this.member = member;
    this.listener = listener;
    this.subscribe();
  }

  acknowledge(origin: string, id: string): void {
    this.store.tell(() => this.network.acknowledge(origin, id, this.member));
  }

  reconnect(): void {
    if (!this.confirmed) return;
    this.connection!.close();
    this.lost();
  }

  async close(): Promise<void> {
    this.listener = undefined;
    this.connection?.close();
  }

  private lost(): void {
    if (this.confirmed) this.listener?.lost();
    this.confirmed = false;
    this.clock.after(2 + this.network.world.random.between(0, 20), () => this.listener && this.subscribe());
  }

  private subscribe(): void {
    const connection = this.network.connect(this.host, 'subscription', () => this.lost());
    this.connection = connection;
    this.clock.after(HANDSHAKE_MS, () => {
      if (this.connection !== connection || this.confirmed || !connection.clientOpen) return;
      connection.close();
      this.lost();
    });
    connection.toServer(() => {
      this.network.subscribe(connection, this.ear(connection));
      connection.toClient(() => {
        if (this.connection !== connection) return;
        this.confirmed = true;
        this.listener?.subscribed();
      });
    });
  }

  private ear(connection: Connection) {
    const heard = (tell: (listener: BusListener) => void): void => {
      if (this.connection === connection && this.listener !== undefined) tell(this.listener);
    };
    return {
      member: this.member,
      invalidation: (message: Parameters<BusListener['invalidation']>[0]) =>
        heard((listener) => listener.invalidation(message)),
      acknowledged: (id: string, from: string) => heard((listener) => listener.acknowledged(id, from)),
      echo: (beat: number) => heard((listener) => listener.echo(beat)),
    };
  }
}
