import type { Redis } from 'ioredis';
import type { Bus, BusListener } from '../../core/ports/bus';
import type { InvalidationMessage } from '../../core/ports/remote-store';
import type { Names } from './names';
import type { RedisLink } from './redis-link';

const MAX_TAGS_PER_MESSAGE = 10_000;
/** Pause before a refused or ended subscription is tried again, in milliseconds. */
const RETRY_MS = 500;

/**
 * {@link Bus} on Redis pub/sub, on a connection of its own. A message that cannot be read may have been an
 * invalidation, from another version of this library perhaps: it counts as a gap in the subscription,
 * so that what it may have meant costs a miss and nothing worse.
 */
export class RedisBus implements Bus {
  private member = '';
  private listener: BusListener | undefined;
  private confirmed = false;

  constructor(
    private readonly subscriber: Redis,
    private readonly link: RedisLink,
    private readonly names: Names,
  ) {
    // Each failed attempt is an `error` event; the command connection reports the outage.
    subscriber.on('error', () => undefined);
  }

  start(member: string, listener: BusListener): void {
    this.member = member;
    this.listener = listener;
    this.subscriber.on('message', (channel: string, text: string) => this.receive(channel, text));
    this.subscriber.on('ready', () => void this.subscribe());
    this.subscriber.on('close', () => {
      if (!this.confirmed) return;
      this.confirmed = false;
      listener.lost();
    });
    // ioredis gives up for good in some cases, for example while it looks for a Sentinel's master.
    this.subscriber.on('end', () => this.later(() => this.connect()));
    if (this.subscriber.status === 'ready') void this.subscribe();
    else if (this.subscriber.status === 'wait') this.connect();
  }

  acknowledge(origin: string, id: string): void {
    if (!this.link.available) return;
    const channel = this.names.member(origin);
    void this.link.send((client) => client.publish(channel, `a|${id}|${this.member}`)).catch(() => undefined);
  }

  /** An attempt to connect that is under way is left alone: ending it each time would never get anywhere. */
  reconnect(): void {
    if (this.confirmed) this.subscriber.disconnect(true);
  }

  async close(): Promise<void> {
    this.listener = undefined;
    this.subscriber.disconnect();
  }

  private async subscribe(): Promise<void> {
    try {
      await this.subscriber.subscribe(this.names.bus, this.names.member(this.member));
      this.confirm();
    } catch {
      // Refused, or the connection went away meanwhile; in the second case `ready` comes by itself.
      this.later(() => {
        if (!this.confirmed && this.subscriber.status === 'ready') void this.subscribe();
      });
    }
  }

  private connect(): void {
    void this.subscriber.connect().catch(() => undefined);
  }

  private later(task: () => void): void {
    setTimeout(() => {
      if (this.listener !== undefined) task();
    }, RETRY_MS).unref();
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
