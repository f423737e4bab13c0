import { freePort } from '../../apps/api/src/embedded/free-port';
import { eventually } from './eventually';
import { RedisServer } from './redis-server';

/** Masters, and one replica of the first of them, which a test may promote. */
export class RedisCluster {
  private constructor(
    readonly masters: readonly RedisServer[],
    readonly replica: RedisServer,
  ) {}

  static async start(): Promise<RedisCluster> {
    const nodes: RedisServer[] = [];
    for (let i = 0; i < 4; i++) {
      const bus = String(await freePort());
      nodes.push(await RedisServer.start('--cluster-enabled', 'yes', '--cluster-port', bus, ...NODE_SETTINGS));
    }
    const [first, ...others] = nodes as [RedisServer, ...RedisServer[]];
    const masters = nodes.slice(0, 3);
    for (const [i, node] of masters.entries()) {
      const range = [Math.floor((16_384 * i) / 3), Math.floor((16_384 * (i + 1)) / 3) - 1];
      await node.command((c) => c.call('CLUSTER', 'ADDSLOTSRANGE', ...range));
    }
    const entrance = await first.command(async (c) => /:\d+@(\d+)/.exec((await c.call('CLUSTER', 'NODES')) as string)!);
    for (const node of others) {
      await node.command((c) => c.call('CLUSTER', 'MEET', '127.0.0.1', first.port, entrance[1]!));
    }
    const cluster = new RedisCluster(masters, others[2]!);
    await cluster.settled();
    const ownerOfHead = await first.command((c) => c.call('CLUSTER', 'MYID'));
    await eventually(() => cluster.replica.command((c) => c.call('CLUSTER', 'REPLICATE', ownerOfHead as string)));
    await eventually(() => cluster.replica.command(async (c) => /link_status:up/.test(await c.info('replication'))));
    await cluster.settled();
    return cluster;
  }

  /** Addresses of all nodes. */
  get addresses(): { host: string; port: number }[] {
    return [...this.masters, this.replica].map(({ port }) => ({ host: '127.0.0.1', port }));
  }

  /** The replica takes over from its master, whether that one agrees or not. */
  async promote(): Promise<void> {
    await this.replica.command((c) => c.call('CLUSTER', 'FAILOVER', 'TAKEOVER'));
  }

  async stop(): Promise<void> {
    await Promise.all([...this.masters, this.replica].map((node) => node.stop()));
  }

  private async settled(): Promise<void> {
    for (const node of [...this.masters, this.replica]) {
      await eventually(() =>
        node.command(async (c) => {
          const nodes = ((await c.call('CLUSTER', 'NODES')) as string).trim().split('\n');
          return nodes.length === 4 && /cluster_state:ok/.test((await c.call('CLUSTER', 'INFO')) as string);
        }),
      );
    }
  }
}

const NODE_SETTINGS = [
  '--cluster-node-timeout',
  '2000',
  '--cluster-require-full-coverage',
  'no',
  '--cluster-replica-no-failover',
  'yes',
];
