import { once } from 'node:events';
import { createConnection, createServer, type AddressInfo, type Server, type Socket } from 'node:net';

/** A proxy between a client and a server that can lose bytes or cut connections. */
export class TcpProxy {
  private readonly pairs = new Set<readonly [client: Socket, server: Socket]>();
  /** What is lost: nothing, what the client sends, what the server answers, or both. */
  lost: 'nothing' | 'requests' | 'answers' | 'both' = 'nothing';
  /** Times the clients spoke after the server had: commands flushed together are one round trip. */
  roundTrips = 0;
  private serverSpoke = true;

  private constructor(
    private readonly server: Server,
    private target: number,
  ) {}

  static async start(target: number): Promise<TcpProxy> {
    const server = createServer();
    const proxy = new TcpProxy(server, target);
    server.on('connection', (client) => proxy.join(client, createConnection(proxy.target, '127.0.0.1')));
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    return proxy;
  }

  get url(): string {
    return `redis://127.0.0.1:${(this.server.address() as AddressInfo).port}`;
  }

  /** Cuts every connection without a goodbye. */
  cut(): void {
    for (const pair of this.pairs) for (const socket of pair) reset(socket);
    this.pairs.clear();
  }

  /** Leads to another server from now on; connections to the old one are cut. */
  retarget(port: number): void {
    this.target = port;
    this.cut();
  }

  async stop(): Promise<void> {
    this.cut();
    this.server.close();
    await once(this.server, 'close');
  }

  private join(client: Socket, server: Socket): void {
    const pair = [client, server] as const;
    this.pairs.add(pair);
    const end = (): void => {
      this.pairs.delete(pair);
      client.destroy();
      server.destroy();
    };
    client.on('data', (bytes) => {
      if (this.serverSpoke) this.roundTrips++;
      this.serverSpoke = false;
      if (this.lost === 'nothing' || this.lost === 'answers') server.write(bytes);
    });
    server.on('data', (bytes) => {
      this.serverSpoke = true;
      if (this.lost === 'nothing' || this.lost === 'requests') client.write(bytes);
    });
    for (const socket of pair) socket.on('error', end).on('close', end);
  }
}

/**
 * Node cannot reset a connection that it is shutting down: it forgets the socket without closing it, and spins for ever
 * when the process ends.
 */
function reset(socket: Socket): void {
  if (socket.writableEnded) socket.destroy();
  else socket.resetAndDestroy();
}
