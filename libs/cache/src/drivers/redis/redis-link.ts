import type { Duplex } from 'node:stream';
import type { Redis } from 'ioredis';
import type { CacheError } from '../../core/errors';
import type { BreakerState } from '../../core/events';
import type { Clock, Timer } from '../../core/ports/clock';
import type { LinkListener, LinkOptions, NodeLink, RedisNodes, Urgency } from './nodes';
import { serverInfo, type ServerInfo } from './server-info';
import { SlowStart } from './slow-start';
import { redacted, unavailable } from './unavailable';
import { tellOfBreaker } from './tell';

interface Waiting {
  readonly since: number;
  readonly count: number;
  readonly fail: (error: CacheError) => void;
}

const READY_LIMIT_MS = 1_000;
const LOST = 'connection lost';

/**
 * One connection for commands, with its own deadline. Replies come in order, so one timer that looks at
 * the oldest unanswered command is enough: when Redis hangs, all waiters fail together, the breaker
 * opens, the socket is destroyed (nothing is replayed), and probes decide when to trust it again.
 *
 * By itself it is the {@link RedisNodes} of a single server, found by URL, socket or Sentinel.
 */
export class RedisLink implements NodeLink, RedisNodes {
  readonly sharded = false;
  private readonly waiting = new Set<Waiting>();
  /** What the waiting ones do together. */
  private underWay = 0;
  private readonly timeoutMs: number;
  /** Until the first connection has succeeded or failed, nothing is known: neither open nor closed. */
  private state: BreakerState = 'half-open';
  private server: ServerInfo | undefined;
  private watchdog: Timer | undefined;
  private probing = false;
  private closed = false;
  private listeners: LinkListener[] = [];
  private readonly slowStart: SlowStart;
  private hadOutage = false;
  private gathering: Duplex | undefined;
  private openFor: string | undefined;
  private lostBy = LOST;
  private outageCount = 0;

  constructor(
    readonly client: Redis,
    options: LinkOptions,
    private readonly clock: Clock,
  ) {
    this.timeoutMs = options.timeoutMs ?? 50;
    this.slowStart = new SlowStart(options.maxInFlight ?? 10_000);
    client.on('connect', () => this.limitReadyCheck());
    client.on('ready', () => void this.probe());
    client.on('close', () => this.trip(this.lostBy));
    client.on('error', (error: Error) => this.failed(error));
    if (client.status === 'ready') void this.probe();
  }

  get control(): NodeLink {
    return this;
  }

  linkFor(): NodeLink {
    return this;
  }

  get available(): boolean {
    return this.state === 'closed';
  }

  get breaker(): BreakerState {
    return this.state;
  }

  get inFlight(): number {
    return this.underWay;
  }

  get outages(): number {
    return this.outageCount;
  }

  get run(): string {
    return this.server?.run ?? '';
  }

  get allowsOom(): boolean {
    return (this.server?.majorVersion ?? 0) >= 7;
  }

  onChange(listener: LinkListener): void {
    this.listeners.push(listener);
  }

  send<R>(send: (client: Redis) => Promise<R>, urgency: Urgency = 'ordinary', count = 1): Promise<R> {
    if (this.state !== 'closed') return Promise.reject(unavailable('the breaker is open'));
    if (urgency === 'ordinary' && this.underWay >= this.slowStart.allowance(this.clock.monotonic())) {
      return Promise.reject(unavailable('too many commands in flight'));
    }
    return this.watched(send, count);
  }

  /** Resolves when the breaker closes or `ms` have passed. */
  async ready(ms: number): Promise<void> {
    if (this.available) return;
    await new Promise<void>((resolve) => {
      const timer = this.clock.after(ms, resolve);
      this.onChange({
        breakerChanged: (state) => {
          if (state !== 'closed') return;
          timer.cancel();
          resolve();
        },
      });
    });
  }

  close(): void {
    this.closed = true;
    this.watchdog?.cancel();
    this.state = 'open';
    this.failAll('the cache is closing');
    this.client.disconnect();
  }

  private watched<R>(send: (client: Redis) => Promise<R>, count = 1): Promise<R> {
    return new Promise<R>((resolve, reject) => {
      const waiting: Waiting = { since: this.clock.monotonic(), count, fail: reject };
      this.waiting.add(waiting);
      this.underWay += count;
      this.watch();
      // One that stands for many leaves at once: the server works on it while the next is put together.
      if (count === 1) this.gather();
      send(this.client)
        .then(resolve, (error: Error) => {
          const message = redacted(error);
          reject(unavailable(message));
          for (const listener of this.listeners) listener.refused?.(message);
        })
        .finally(() => this.waiting.delete(waiting) && (this.underWay -= count));
    });
  }

  /**
   * Single commands of one turn of the loop leave in one write: a write for each is what a busy client spends most of
   * its time on. Nothing waits for it longer than for the code that is running now.
   */
  private gather(): void {
    const { stream } = this.client as { stream?: Duplex };
    if (stream === undefined || this.gathering === stream) return;
    this.gathering = stream;
    stream.cork();
    process.nextTick(() => {
      if (this.gathering === stream) this.gathering = undefined;
      stream.uncork();
    });
  }

  private watch(): void {
    if (this.watchdog !== undefined || this.closed) return;
    this.watchdog = this.clock.after(Math.max(5, this.timeoutMs / 4), () => {
      const [oldest] = this.waiting;
      const hung = oldest !== undefined && this.isOverdue(oldest);
      // Decided after the loop has caught up: replies that arrived while our own process was stalled
      // are processed first, so that our pause is not taken for a hang of Redis.
      if (hung) setImmediate(() => setImmediate(() => this.decide(oldest)));
      this.watchdog = undefined;
      if (this.waiting.size > 0) this.watch();
    });
  }

  private isOverdue(waiting: Waiting): boolean {
    return this.clock.monotonic() - waiting.since > this.timeoutMs;
  }

  private decide(oldest: Waiting): void {
    if (!this.waiting.has(oldest) || this.closed) return;
    this.trip(`no reply within ${this.timeoutMs} ms`);
    this.client.disconnect(true);
  }

  /** Told as the reason of a `close` that follows; Sentinels that are all away are followed by none. */
  private failed(error: Error): void {
    this.lostBy = `no connection: ${redacted(error)}`;
    if (this.state === 'half-open' && !/^(connect|ready)$/.test(this.client.status)) this.trip(this.lostBy);
  }

  private trip(reason: string): void {
    this.server = undefined;
    this.hadOutage = true;
    if (this.state === 'closed' && !this.closed) this.outageCount++;
    this.failAll(reason);
    this.change('open', reason);
  }

  private failAll(reason: string): void {
    for (const waiting of this.waiting) waiting.fail(unavailable(reason));
    this.waiting.clear();
    this.underWay = 0;
  }

  /** A server that accepts and then hangs would keep the ready check waiting for ever. */
  private limitReadyCheck(): void {
    this.clock.after(READY_LIMIT_MS, () => {
      if (!this.closed && this.client.status === 'connect') this.client.disconnect(true);
    });
  }

  /**
   * Asks who the server is before anything else may use the connection. A replica is not used at all: its
   * versions lag behind, and what they call valid may have been invalidated at its master. (In a cluster
   * replicas answer with `MOVED` by themselves, and may be asked for the map of slots.)
   */
  private async probe(): Promise<void> {
    if (this.probing || this.closed || this.state === 'closed') return;
    this.probing = true;
    try {
      this.change('half-open', 'probing');
      this.lostBy = LOST;
      // ioredis goes on in database 0 where there is none of that number.
      if ((this.client.options.db ?? 0) > 0) await this.watched((client) => client.select(client.options.db!));
      const info = await this.watched((client) => client.info('server'));
      const replication = await this.watched((client) => client.info('replication'));
      const server = serverInfo(info, replication);
      if (server.lags) throw unavailable('it is a replica');
      this.server = server;
      if (this.hadOutage) this.slowStart.begin(this.clock.monotonic());
      this.change('closed', 'connected');
    } catch (error) {
      this.change('open', (error as Error).message);
      if (this.client.status === 'ready') this.clock.after(200, () => void this.probe());
    } finally {
      this.probing = false;
    }
  }

  private change(state: BreakerState, reason: string): void {
    if (this.state === state || this.closed) return;
    this.state = state;
    // A server that keeps failing its probes is one outage, told once, not a line for each attempt.
    const again = state === 'half-open' ? this.openFor !== undefined : state === 'open' && reason === this.openFor;
    if (state !== 'half-open') this.openFor = state === 'open' ? reason : undefined;
    if (again) return;
    tellOfBreaker(this.listeners, state, reason);
  }
}
