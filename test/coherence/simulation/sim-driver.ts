import type { Bus, BusListener, Clock, LoadWish, RemoteRead, RemoteStore } from '@strata/cache/core';
import type { Connection, Network } from './network';
import { HANDSHAKE_MS, SimLink, type LinkEnds } from './sim-link';
import type { HeadRead } from './sim-server';
import type { Host } from './world';

/** What `RedisRemoteStore` does: the same commands in the same order, on one node or on two. */
export class SimStore implements RemoteStore {
  readonly holdsEntries = true;
  private readonly control: SimLink;
  /** The node of the entries; that of `head` when it is not a cluster. */
  private readonly holder: SimLink;

  constructor(ends: LinkEnds, cluster: boolean) {
    this.control = new SimLink(ends, 'commands');
    this.holder = cluster ? new SimLink(ends, 'entries') : this.control;
  }

  get available(): boolean {
    return this.control.available;
  }

  // As the driver does it: several commands in one flush, between which others may come.
  read: RemoteStore['read'] = async (key, tags, _mostBytes, wish, bare) => {
    if (this.holder !== this.control) {
      const asked = this.holder.ask((server) => server.bytesOf(key)).catch(() => undefined);
      if (bare) return { bytes: await asked, head: undefined, versions: [], isBare: true };
      const [bytes, read] = await Promise.all([asked, this.readTags(tags)]);
      return { ...read, bytes };
    }
    if (bare) return this.readBare(key, tags, wish);
    return this.control.ask(
      (server) => server.bytesOf(key),
      (server, { run }, bytes) => ({ bytes, read: server.readHead(tags, run) }),
      (server, _opening, told) => {
        const { bytes, read } = told as { bytes: Buffer | undefined; read: HeadRead | undefined };
        return server.readTags(tags, bytes, read);
      },
      (server, opening, read: RemoteRead) =>
        read.bytes !== undefined || wish === undefined
          ? read
          : { ...read, grant: server.grant({ key, tags, ...wish, takeOver: false }, opening) },
    );
  };

  private readBare(key: string, tags: readonly string[], wish: LoadWish | undefined): Promise<RemoteRead> {
    return this.control.ask(
      (server) => server.bytesOf(key),
      (server, opening, bytes: Buffer | undefined): RemoteRead => {
        const read = { bytes, head: undefined, versions: [], isBare: true };
        if (wish === undefined) return read;
        const { head } = server.readHead([], opening.run) ?? { head: undefined };
        if (bytes !== undefined) return { ...read, head };
        return { ...read, head, grant: server.grant({ key, tags, ...wish, takeOver: false }, opening) };
      },
    );
  }

  readTags: RemoteStore['readTags'] = (tags) =>
    this.control.ask(
      (server, { run }) => server.readHead(tags, run),
      (server, _opening, read: HeadRead | undefined) => server.readTags(tags, undefined, read),
    );

  grant: RemoteStore['grant'] = (request) => this.control.ask((server, opening) => server.grant(request, opening));

  fill: RemoteStore['fill'] = async (request) => {
    const stored = this.holder.ask((server) => server.store(request));
    const settled = this.control.ask((server, opening) => server.settle(request, opening));
    const [took] = await Promise.all([stored, settled]);
    return took;
  };

  release: RemoteStore['release'] = (key, token) => this.control.ask((server) => server.release(key, token));

  invalidate: RemoteStore['invalidate'] = (message) =>
    this.control.ask((server, opening) => server.invalidate(message, opening));

  heartbeat: RemoteStore['heartbeat'] = (member, beat) =>
    this.control.ask((server, opening) => server.heartbeat(member, beat, opening));

  removeMember: RemoteStore['removeMember'] = (member, mark) =>
    this.control.ask((server) => server.removeMember(member, mark));

  /** Best effort, like an acknowledgement. */
  tell(action: () => void): void {
    this.control.tell(action);
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
