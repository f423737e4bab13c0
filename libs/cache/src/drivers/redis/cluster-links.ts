import calculateSlot from 'cluster-key-slot';
import type { Redis } from 'ioredis';
import type { BreakerState } from '../../core/events';
import type { Clock, Timer } from '../../core/ports/clock';
import type { LinkListener, LinkOptions, RedisNodes } from './nodes';
import { RedisLink } from './redis-link';
import { SlotMap } from './slot-map';
import { tellOfBreaker } from './tell';

/** Where a node of a cluster listens. */
export interface NodeAddress {
  readonly host: string;
  readonly port: number;
}

/** What {@link ClusterLinks} is made from. */
export interface ClusterOptions extends LinkOptions {
  readonly seeds: readonly NodeAddress[];
  readonly open: (address: NodeAddress) => Promise<Redis>;
  /** Name of the key whose node carries everything but the entries. */
  readonly head: string;
}

const REFRESH_MS = 10_000;
/** While some slot has no node that answers: a fail-over is to be noticed soon. */
const REFRESH_IN_TROUBLE_MS = 250;
const REFRESH_APART_MS = 100;
/** Answers of a node that mean: the map of slots has changed, or is about to. */
const MOVED = /^(MOVED|ASK|TRYAGAIN|CLUSTERDOWN|READONLY)/;

/**
 * {@link RedisNodes} of a Redis Cluster: one {@link RedisLink} for each master, so that a hung node costs
 * its own keys and no others. Nothing is redirected or sent twice: a `MOVED` is a miss that refreshes
 * the map. The cluster client of ioredis is not used because it queues while nodes are away, which is
 * what a cache must not do.
 */
export class ClusterLinks implements RedisNodes {
  readonly sharded = true;
  private readonly links = new Map<string, RedisLink>();
  private readonly slots = new SlotMap();
  private readonly headSlot: number;
  private readonly listeners: LinkListener[] = [];
  private controlAddress: string | undefined;
  private onMoved: (address: NodeAddress) => Promise<void> = async () => undefined;
  /** Where the bus was told to go; it may have failed to. */
  private busAddress: string | undefined;
  /** Whose answer was refused last: asked for the map after all others. */
  private outdated: string | undefined;
  private refreshedAt = -Infinity;
  private timer: Timer | undefined;
  private refreshing = false;
  private closed = false;
  private outagesOfLost = 0;

  constructor(
    private readonly options: ClusterOptions,
    private readonly clock: Clock,
  ) {
    this.headSlot = calculateSlot(options.head);
  }

  get control(): RedisLink | undefined {
    return this.controlAddress === undefined ? undefined : this.links.get(this.controlAddress);
  }

  get available(): boolean {
    return this.control?.available ?? false;
  }

  get breaker(): BreakerState {
    return this.control?.breaker ?? 'open';
  }

  get inFlight(): number {
    return [...this.links.values()].reduce((sum, link) => sum + link.inFlight, 0);
  }

  get outages(): number {
    return [...this.links.values()].reduce((sum, link) => sum + link.outages, this.outagesOfLost);
  }

  /** Links to all known nodes, by address. */
  get nodes(): ReadonlyMap<string, RedisLink> {
    return this.links;
  }

  linkFor(name: string): RedisLink | undefined {
    const address = this.slots.ownerOf(calculateSlot(name));
    return address === undefined ? undefined : this.links.get(address);
  }

  onChange(listener: LinkListener): void {
    this.listeners.push(listener);
  }

  /** Told where `head` lives, at first and whenever it moves, again after a failure: the bus has to follow. */
  onControlMoved(listener: (address: NodeAddress) => Promise<void>): void {
    this.onMoved = listener;
  }

  start(): void {
    void this.refresh();
  }

  async ready(ms: number): Promise<void> {
    const giveUpAt = this.clock.monotonic() + ms;
    while (!this.available && this.clock.monotonic() < giveUpAt) {
      await new Promise<void>((resolve) => void this.clock.after(10, resolve));
    }
  }

  close(): void {
    this.closed = true;
    this.timer?.cancel();
    for (const link of this.links.values()) link.close();
    this.links.clear();
  }

  /** Reads the map of slots from the first node that answers, and opens and closes links to match. */
  private async refresh(): Promise<void> {
    if (this.refreshing || this.closed) return;
    this.refreshing = true;
    this.refreshedAt = this.clock.monotonic();
    try {
      for (const seed of this.options.seeds) await this.link(seed);
      const masters = await this.askForMasters();
      if (masters !== undefined && !this.closed) await this.adopt(masters);
    } finally {
      this.refreshing = false;
      this.schedule(this.isWhole() ? REFRESH_MS : REFRESH_IN_TROUBLE_MS);
    }
  }

  private async askForMasters(): Promise<readonly NodeAddress[] | undefined> {
    const isOutdated = (name: string): number => (name === this.outdated ? 1 : 0);
    for (const [address, link] of [...this.links].sort(([a], [b]) => isOutdated(a) - isOutdated(b))) {
      if (!link.available) continue;
      try {
        const reply: unknown = await link.send((client) => client.call('CLUSTER', 'SLOTS'));
        return this.slots.learn(reply, parseAddress(address).host, this.headSlot);
      } catch {
        // Away, no cluster, or not in touch with it: the next node may know.
      }
    }
    return undefined;
  }

  private async adopt(masters: readonly NodeAddress[]): Promise<void> {
    for (const master of masters) await this.link(master);
    const wanted = new Set([...masters, ...this.options.seeds].map(formatAddress));
    for (const [address, link] of this.links) {
      if (wanted.has(address)) continue;
      link.close();
      this.outagesOfLost += link.outages;
      this.links.delete(address);
    }
    const control = this.slots.ownerOf(this.headSlot)!;
    this.controlAddress = control;
    if (control === this.busAddress) return;
    this.busAddress = undefined;
    await this.onMoved(parseAddress(control)).then(
      () => (this.busAddress = control),
      () => undefined,
    );
  }

  private async link(address: NodeAddress): Promise<void> {
    const name = formatAddress(address);
    if (this.links.has(name)) return;
    // The caller's function may fail: it is asked again with the next look.
    const client = await this.options.open(address).catch(() => undefined);
    if (client === undefined) return;
    if (this.closed) return client.disconnect();
    const link = new RedisLink(client, this.options, this.clock);
    link.onChange({
      breakerChanged: (state, reason) => {
        tellOfBreaker(this.listeners, state, `${name}: ${reason}`);
        // A seed that has just connected is the first who can be asked; one that is lost may be replaced.
        if (state !== 'half-open' && !this.isWhole()) this.soon();
      },
      refused: (message) => {
        for (const listener of this.listeners) listener.refused?.(`${name}: ${message}`);
        if (!MOVED.test(message)) return;
        this.outdated = name;
        this.soon();
      },
    });
    this.links.set(name, link);
    if (client.status === 'wait') void client.connect().catch(() => undefined);
  }

  /** True while every slot that has an owner has one that answers, and `head` has an owner. */
  private isWhole(): boolean {
    if (!this.available || this.busAddress !== this.controlAddress) return false;
    if (this.slots.ownerOf(this.headSlot) === undefined) return false;
    return this.slots.owners.every((address) => this.links.get(address)?.available ?? false);
  }

  /** At once, but not again and again: a slot that migrates refuses every command. */
  private soon(): void {
    this.schedule(Math.max(0, this.refreshedAt + REFRESH_APART_MS - this.clock.monotonic()));
  }

  private schedule(ms: number): void {
    if (this.closed) return;
    this.timer?.cancel();
    this.timer = this.clock.after(ms, () => void this.refresh());
  }
}

const formatAddress = ({ host, port }: NodeAddress): string => `${host}:${port}`;

function parseAddress(text: string): NodeAddress {
  const colon = text.lastIndexOf(':');
  return { host: text.slice(0, colon), port: Number(text.slice(colon + 1)) };
}
