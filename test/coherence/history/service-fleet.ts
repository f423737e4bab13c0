import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { Agent, request } from 'node:http';
import { join } from 'node:path';
import { freePort } from '../../../apps/api/src/embedded/free-port';
import { eventually } from '../../support/eventually';
import { RedisServer } from '../../support/redis-server';
import { TcpProxy } from '../../support/tcp-proxy';

const MAIN = join(__dirname, '../../../dist/apps/api/src/main.js');

/** One process of the service, with its own way to Redis. */
export interface Member {
  /** Number of this process among all that ever ran. */
  readonly incarnation: number;
  readonly port: number;
  readonly child: ChildProcess;
  readonly proxy: TcpProxy;
}

/** What the service answered. */
export interface Answer {
  readonly status: number;
  readonly deferred: boolean;
  /** Where it came from, for whoever has to explain a violation. */
  readonly cacheStatus: string;
  readonly body: string;
}

/** Real processes of the service behind proxies, and the Redis pair that they share. */
export class ServiceFleet {
  readonly members: Member[] = [];
  readonly leaseMs = 500;
  private incarnations = 0;
  private readonly agent = new Agent({ keepAlive: true, maxSockets: 64 });

  private constructor(
    private readonly databaseUrl: string,
    public primary: RedisServer,
    public replica: RedisServer,
  ) {}

  static async start(count: number, databaseUrl: string): Promise<ServiceFleet> {
    const primary = await RedisServer.start();
    const fleet = new ServiceFleet(databaseUrl, primary, await replicaOf(primary));
    for (let i = 0; i < count; i++) await fleet.add();
    return fleet;
  }

  any(): Member {
    return this.members[Math.floor(Math.random() * this.members.length)]!;
  }

  /** Ends a process without a goodbye and starts another in its place. */
  async kill(member: Member): Promise<void> {
    member.child.kill('SIGKILL');
    const index = this.members.indexOf(member);
    if (index >= 0) this.members.splice(index, 1);
    await member.proxy.stop();
    await this.add().catch(() => this.add());
  }

  /** The replica takes over, whatever it had not received yet; the old primary is gone. */
  async failOver(): Promise<void> {
    const { primary: old, replica } = this;
    process.kill(old.processId, 'SIGSTOP');
    await replica.promote();
    this.primary = replica;
    for (const { proxy } of this.members) proxy.retarget(replica.port);
    await old.stop();
    this.replica = await replicaOf(replica);
  }

  async send(member: Member, method: 'GET' | 'PATCH', path: string, body?: object): Promise<Answer> {
    const headers = body === undefined ? {} : { 'content-type': 'application/json' };
    const { port } = member;
    const sent = request({ agent: this.agent, host: '127.0.0.1', port, method, path, headers });
    sent.end(body === undefined ? undefined : JSON.stringify(body));
    const [response] = await once(sent, 'response');
    let text = '';
    response.setEncoding('utf8');
    for await (const part of response) text += part;
    const { statusCode: status, headers: got } = response;
    return { status, deferred: 'cache-invalidation' in got, cacheStatus: String(got['cache-status']), body: text };
  }

  async stop(): Promise<void> {
    await Promise.all(
      this.members.map(async ({ child, proxy }) => {
        child.kill('SIGCONT');
        child.kill('SIGTERM');
        if (child.exitCode === null) await once(child, 'exit');
        await proxy.stop();
      }),
    );
    this.agent.destroy();
    await this.replica.stop();
    await this.primary.stop();
  }

  private async add(): Promise<void> {
    const port = await freePort();
    const proxy = await TcpProxy.start(this.primary.port);
    const child = spawn(process.execPath, [MAIN], {
      env: {
        PATH: process.env['PATH']!,
        PORT: String(port),
        DATABASE_URL: this.databaseUrl,
        DATABASE_MIGRATE: 'true',
        DATABASE_POOL_SIZE: '5',
        REDIS_URL: proxy.url,
        REDIS_TIMEOUT_MS: '200',
        CACHE_LEASE_MS: String(this.leaseMs),
        // To see the harness find something: broadcast lets a writer return before the others know.
        CACHE_COHERENCE: process.env['COHERENCE_MODE'] ?? 'acknowledged',
        WRITE_RATE_LIMIT: '0',
        LOG_LEVEL: 'error',
      },
      stdio: ['ignore', 'ignore', 'inherit'],
    });
    const member = { incarnation: this.incarnations++, port, child, proxy };
    try {
      await eventually(async () => (await this.send(member, 'GET', '/health/ready')).status === 200);
    } catch (error) {
      // Too slow on a machine under faults: no reason to leave a process behind.
      child.kill('SIGKILL');
      await proxy.stop();
      throw error;
    }
    // It may have been started while a fail-over was under way.
    proxy.retarget(this.primary.port);
    this.members.push(member);
  }
}

function replicaOf({ port }: RedisServer): Promise<RedisServer> {
  return RedisServer.start('--replicaof', '127.0.0.1', String(port), '--repl-diskless-sync-delay', '0');
}
