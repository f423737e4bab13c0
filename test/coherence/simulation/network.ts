import type { InvalidationMessage } from '@strata/cache/core';
import type { Profile } from './profiles';
import { SimServer, type ServerRules } from './sim-server';
import type { Host, World } from './world';

/** Messages of one direction arrive in order; what meets a partition waits for its end, as TCP makes it. */
interface Lane {
  lastArrival: number;
  readonly held: (() => void)[];
}

/** Commands to the node of `head`, the subscription there, and commands to the node of the entries in a cluster. */
export type ConnectionKind = 'commands' | 'subscription' | 'entries';

/** Share of the messages that are read together with the one before. */
const TOGETHER = 0.3;

/** One TCP connection between an instance and the server. */
export class Connection {
  /** False once this side knows that it is over. */
  clientOpen = true;
  serverOpen = true;
  private readonly up: Lane = { lastArrival: 0, held: [] };
  private readonly down: Lane = { lastArrival: 0, held: [] };

  constructor(
    private readonly network: Network,
    readonly host: Host,
    readonly kind: ConnectionKind,
    private readonly onClosed: () => void,
    private readonly slowness: number,
  ) {}

  /** Runs `action` at the server, if the message gets there. */
  toServer(action: () => void): void {
    if (!this.clientOpen) return;
    this.travel(this.up, 'up', this.network.serverHost, () => {
      // What meets no server is answered with a reset: nothing that follows on this connection is served either.
      this.serverOpen &&= this.network.serves(this.kind);
      if (this.serverOpen) action();
    });
  }

  /** Runs `action` at the instance, if the message gets there. */
  toClient(action: () => void): void {
    this.travel(this.down, 'down', this.host, () => this.clientOpen && action());
  }

  /** The server's end is gone at once; this end notices after `notice`. */
  cut(notice: number): void {
    this.serverOpen = false;
    this.network.world.after(notice, () => this.closed(), this.host, this);
  }

  /** This end gives up; what it sent may still arrive. */
  close(): void {
    this.clientOpen = false;
    const { world, serverHost } = this.network;
    world.after(this.network.delay(), () => this.network.forget(this), serverHost, this);
  }

  healed(direction: 'up' | 'down'): void {
    const to = direction === 'up' ? this.network.serverHost : this.host;
    const lane = this[direction];
    for (const action of lane.held.splice(0)) this.network.world.after(0, action, to, lane);
  }

  private closed(): void {
    if (!this.clientOpen) return;
    this.clientOpen = false;
    this.onClosed();
  }

  private travel(lane: Lane, direction: 'up' | 'down', to: Host, action: () => void): void {
    const { world } = this.network;
    // Some come with the one before, in the same read of the socket.
    const arrival = world.now + this.network.delay(this.slowness);
    const together = lane.lastArrival > world.now && world.random.chance(TOGETHER);
    if (!together) lane.lastArrival = Math.max(lane.lastArrival + 0.001, arrival);
    const arrive = (): void => {
      if (lane.held.length > 0 || this.network.isPartitioned(this.host, direction)) lane.held.push(action);
      else action();
    };
    world.after(lane.lastArrival - world.now, arrive, to, lane);
  }
}

/** The server, the way to it, and everything that can go wrong there. */
export class Network {
  readonly serverHost: Host = { frozen: false, dead: false, parked: [] };
  readonly server: SimServer;
  isUp = true;
  /** While set, every delay is short: the end of a run, when things must come to rest. */
  calm = false;
  private readonly connections = new Set<Connection>();
  private readonly subscribers = new Map<Connection, Subscriber>();
  private readonly partitions = new Map<Host, { up: boolean; down: boolean }>();
  private runs = 0;

  constructor(
    readonly world: World,
    private readonly profile: Profile,
    rules: ServerRules,
  ) {
    const publisher = {
      toAll: (message: InvalidationMessage) =>
        this.publish(
          () => true,
          (subscriber) => subscriber.invalidation(message),
        ),
      echo: (member: string, beat: number) =>
        this.publish(
          (name) => name === member,
          (subscriber) => subscriber.echo(beat),
        ),
    };
    this.server = new SimServer(() => world.now, publisher, rules, profile.recentSize);
  }

  /** Mostly a fraction of a millisecond, sometimes tens, rarely longer than a lease. */
  delay(factor = 1): number {
    const { random } = this.world;
    const slowness = factor * this.profile.slowness;
    if (!this.calm && random.chance(0.004 * slowness)) return random.between(40, 220);
    if (!this.calm && random.chance(0.03 * slowness)) return random.between(3, 40);
    return random.between(0.1, 1);
  }

  connect(host: Host, kind: ConnectionKind, onClosed: () => void): Connection {
    const slowness = kind === 'subscription' ? 1 : this.profile.commandSlowness;
    const connection = new Connection(this, host, kind, onClosed, slowness);
    this.connections.add(connection);
    return connection;
  }

  subscribe(connection: Connection, subscriber: Subscriber): void {
    this.subscribers.set(connection, subscriber);
  }

  acknowledge(origin: string, id: string, from: string): void {
    this.publish(
      (name) => name === origin,
      (subscriber) => subscriber.acknowledged(id, from),
    );
  }

  forget(connection: Connection): void {
    connection.serverOpen = false;
    this.connections.delete(connection);
    this.subscribers.delete(connection);
  }

  isPartitioned(host: Host, direction: 'up' | 'down'): boolean {
    return this.partitions.get(host)?.[direction] ?? false;
  }

  partition(host: Host, up: boolean, down: boolean): void {
    this.partitions.set(host, { up, down });
  }

  heal(host: Host): void {
    this.partitions.delete(host);
    for (const connection of this.connections) {
      if (connection.host !== host) continue;
      connection.healed('up');
      connection.healed('down');
    }
  }

  /** Ends connections at the server; the other ends notice later, or much later. */
  cut(which: (connection: Connection, subscribed: boolean) => boolean, longestNotice: number): void {
    for (const connection of [...this.connections]) {
      if (!which(connection, this.subscribers.has(connection))) continue;
      this.forget(connection);
      connection.cut(this.world.random.between(0, longestNotice));
    }
  }

  /** The node of the entries stays up when that of `head` goes down. */
  serves(kind: ConnectionKind): boolean {
    return this.isUp || kind === 'entries';
  }

  stopServer(): void {
    this.isUp = false;
    this.cut(({ kind }) => kind !== 'entries', 40);
  }

  startServer(state: 'empty' | 'saved' | 'whole'): void {
    this.server.restart(state, `run-${++this.runs}`, this.profile.cluster);
    this.isUp = true;
  }

  private publish(to: (member: string) => boolean, tell: (subscriber: Subscriber) => void): void {
    for (const [connection, subscriber] of this.subscribers) {
      if (to(subscriber.member)) connection.toClient(() => tell(subscriber));
    }
  }
}

/** An instance's ear, as the server knows it. */
export interface Subscriber {
  readonly member: string;
  invalidation(message: InvalidationMessage): void;
  acknowledged(id: string, from: string): void;
  echo(beat: number): void;
}
