import type { Redis } from 'ioredis';
import type { Bus, BusListener } from '../../core/ports/bus';
import type { InvalidationMessage } from '../../core/ports/remote-store';
import type { Names } from './names';
import type { RedisNodes } from './nodes';

const MAX_TAGS_PER_MESSAGE = 10_000;
/** Pause before a refused or ended subscription is tried again, in milliseconds. */
const RETRY_MS = 500;
/** Longest time from a connection to its confirmed subscription, in milliseconds; then another one is tried. */
const HANDSHAKE_MS = 1_000;

/**
 * {@link Bus} on Redis pub/sub, on a connection of its own. A message that cannot be read may have been an
 * invalidation, from another version of this library perhaps: it counts as a gap in the subscription,
 * so that what it may have meant costs a miss and nothing worse.
 *
 * In a cluster it is sharded pub/sub at the master of `head`: classic pub/sub travels between the nodes by
 * itself and could lose an invalidation and still deliver the echo that comes after it.
 */
export class RedisBus implements Bus {
  private member = '';
  private listener: BusListener | undefined;
  private subscriber: Redis | undefined;
  private confirmed = false;
  private attempts = 0;

  constructor(
    private readonly nodes: RedisNodes,
    private readonly names: Names,
  ) {}

  /** Takes `client` for the subscription, in place of the one before. It must not be connected yet. */
  use(client: Redis): void {
    const before = this.subscriber;
    this.subscriber = client;
    before?.disconnect();
    this.lose();
    // Each failed attempt is an `error` event; the command connection reports the outage.
    client.on('error', () => undefined);
    if (this.listener !== undefined) this.listen(client);
  }

  start(member: string, listener: BusListener): void {
    this.member = member;
    this.listener = listener;
    if (this.subscriber !== undefined) this.listen(this.subscriber);
  }

  acknowledge(origin: string, id: string): void {
    const link = this.nodes.control;
    if (link === undefined || !link.available) return;
    const text = `a|${id}|${this.member}`;
    const channel = this.names.member(origin);
    const publish = (client: Redis): Promise<unknown> =>
      this.nodes.sharded ? client.spublish(channel, text) : client.publish(channel, text);
    void link.send(publish, 'coherence').catch(() => undefined);
  }

  /** An attempt to connect that is under way is left alone: ending it each time would never get anywhere. */
  reconnect(): void {
    if (this.confirmed) this.subscriber?.disconnect(true);
  }

  async close(): Promise<void> {
    this.lose();
    this.listener = undefined;
    this.subscriber?.disconnect();
  }

  private listen(client: Redis): void {
    const whileCurrent =
      <A extends unknown[]>(run: (...args: A) => void) =>
      (...args: A): void => {
        if (this.subscriber === client && this.listener !== undefined) run(...args);
      };
    // ioredis waits for ever for a server that accepts and then says nothing.
    client.on(
      'connect',
      whileCurrent(() => this.limitHandshake(client)),
    );
    const event = this.nodes.sharded ? 'smessage' : 'message';
    client.on(
      event,
      whileCurrent((channel: string, text: string) => this.receive(channel, text)),
    );
    client.on(
      'ready',
      whileCurrent(() => void this.subscribe(client)),
    );
    client.on(
      'close',
      whileCurrent(() => this.lose()),
    );
    // ioredis gives up for good in some cases, for example while it looks for a Sentinel's master.
    client.on(
      'end',
      whileCurrent(() => this.later(() => this.subscriber === client && connect(client))),
    );
    // ioredis never settles a `ssubscribe` that was answered with MOVED. The links learn where to.
    client.on(
      'moved',
      whileCurrent(() => this.tryAgain(client)),
    );
    if (client.status === 'ready') void this.subscribe(client);
    else if (client.status === 'wait') connect(client);
  }

  private async subscribe(client: Redis): Promise<void> {
    const channels = [this.names.bus, this.names.member(this.member)] as const;
    try {
      await (this.nodes.sharded ? client.ssubscribe(...channels) : client.subscribe(...channels));
      if (this.subscriber === client) this.confirm();
    } catch {
      // Refused, or the connection went away meanwhile; in the second case `ready` comes by itself.
      this.tryAgain(client);
    }
  }

  private limitHandshake(client: Redis): void {
    const attempt = ++this.attempts;
    const giveUp = (): void => {
      if (this.attempts === attempt && this.subscriber === client && !this.confirmed) client.disconnect(true);
    };
    this.later(giveUp, HANDSHAKE_MS);
  }

  private tryAgain(client: Redis): void {
    this.later(() => {
      if (!this.confirmed && this.subscriber === client && client.status === 'ready') void this.subscribe(client);
    });
  }

  private lose(): void {
    if (!this.confirmed) return;
    this.confirmed = false;
    this.listener?.lost();
  }

  private later(task: () => void, ms = RETRY_MS): void {
    setTimeout(() => {
      if (this.listener !== undefined) task();
    }, ms).unref();
  }

  /**
   * Also called by the first message: messages that share a packet with the confirmation are handed
   * over before the promise of `subscribe()` resolves, and the generation must change before them.
   */
  private confirm(): void {
    if (this.confirmed) return;
    this.confirmed = true;
    this.listener?.subscribed();
  }

  private receive(channel: string, text: string): void {
    this.confirm();
    if (channel === this.names.bus) this.receiveInvalidation(text);
    else if (channel === this.names.member(this.member)) this.receiveOwn(text);
  }

  private receiveOwn(text: string): void {
    const [kind, first, second] = text.split('|');
    if (kind === 'e') this.listener?.echo(Number(first));
    else if (kind === 'a' && first !== undefined && second !== undefined) this.listener?.acknowledged(first, second);
  }

  private receiveInvalidation(text: string): void {
    const match = /^i\|([0-9a-f]{16})\|(\d{1,16})\|/.exec(text);
    const message = match === null ? undefined : parse(text.slice(match[0].length));
    if (match === null || message === undefined) this.listener?.subscribed();
    else this.listener?.invalidation({ ...message, epoch: match[1]!, seq: Number(match[2]) });
  }
}

function connect(client: Redis): void {
  void client.connect().catch(() => undefined);
}

function parse(json: string): Omit<InvalidationMessage, 'epoch' | 'seq'> | undefined {
  let value: unknown;
  try {
    value = JSON.parse(json);
  } catch {
    return undefined;
  }
  if (typeof value !== 'object' || value === null) return undefined;
  const { id, origin, mode, tags } = value as Record<string, unknown>;
  if (typeof id !== 'string' || typeof origin !== 'string' || !Array.isArray(tags)) return undefined;
  if (tags.length > MAX_TAGS_PER_MESSAGE || !tags.every((tag) => typeof tag === 'string')) return undefined;
  return { id, origin, mode: mode === 'expire' ? 'expire' : 'delete', tags };
}
