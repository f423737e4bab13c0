import type { Redis } from 'ioredis';
import type { FillRequest, Grant, GrantRequest } from '../../core/ports/remote-store';
import type { HeadNode } from './head';
import type { Names } from './names';
import type { RedisNodes } from './nodes';
import { script, type Argument } from './script';
import { Turn } from './turn';
import { asUnavailable } from './unavailable';

/** A script keeps the server from all else while it runs: so many items are about half a millisecond. */
const MOST_ITEMS = 64;
const MOST_TAGS = 300;
const MOST_BYTES = 1_024 * 1_024;

/** Leave to load, and what was loaded. What one turn of the loop asks for is one command each. */
export class Loads {
  private readonly grants = new Turn<GrantRequest, Grant>((requests) => this.grantAll(requests), {
    items: MOST_ITEMS,
    size: MOST_TAGS,
    sizeOf: ({ tags }) => tags.length,
  });
  private readonly fills = new Turn<FillRequest, boolean>((requests) => this.fillAll(requests), {
    items: MOST_ITEMS,
    size: MOST_BYTES,
    // A tag costs the server about as much as three kilobytes.
    sizeOf: ({ bytes, tags }) => bytes.length + 3_072 * tags.length,
  });

  constructor(
    private readonly nodes: RedisNodes,
    private readonly names: Names,
    private readonly head: HeadNode,
  ) {}

  grant(request: GrantRequest): Promise<Grant> {
    return this.grants.ask(request);
  }

  fill(request: FillRequest): Promise<boolean> {
    return this.fills.ask(request);
  }

  private async grantAll(requests: readonly GrantRequest[]): Promise<(Grant | Error)[]> {
    const placed = requests.map(({ tags }) => this.head.place(tags));
    const keys = requests.flatMap(({ key }, i) => [this.names.lease(key), ...placed[i]!.keys]);
    const given = requests.flatMap(({ token, leaseMs, tagTtlMs, takeOver }, i): Argument[] => {
      const { inHead } = placed[i]!;
      return [placed[i]!.keys.length, inHead.length, token, leaseMs, tagTtlMs, takeOver ? 1 : 0, ...inHead];
    });
    const reply = await this.head.run('grant', ['ordinary', requests.length], (opening) => [
      1 + keys.length,
      this.names.head,
      ...keys,
      ...opening,
      ...given,
    ]);
    const [epoch, seq, ...outcomes] = reply as [string, string, ...(number | Error)[]];
    return outcomes.map((outcome) =>
      outcome instanceof Error
        ? asUnavailable(outcome)
        : { epoch, seq: Number(seq), granted: outcome === 1, filled: outcome === 2 },
    );
  }

  /**
   * Stored before it is settled: settling tells those who wait that they find it. An entry without versions of its tags
   * is invalid until then. Settled also where nobody is known to hold the entry: the load lease must end.
   */
  private fillAll(requests: readonly FillRequest[]): Promise<Promise<boolean>[]> {
    const stored = this.storeAll(requests);
    const settled = this.settleAll(requests);
    const outcomeOf = async (i: number): Promise<boolean> => {
      const outcomes = await Promise.all([stored[i], settled.then((all) => all[i])]);
      const failed = outcomes.find((outcome) => outcome instanceof Error);
      if (failed !== undefined) throw asUnavailable(failed);
      return outcomes[0] === 1;
    };
    // One promise each: a node of a cluster that hangs keeps nobody else waiting.
    return Promise.resolve(requests.map((_, i) => outcomeOf(i)));
  }

  /** Not held back: it follows a grant that was let through, and ends the lease that others wait for. */
  private async settleAll(requests: readonly FillRequest[]): Promise<unknown[]> {
    const placed = requests.map(({ tags }) => this.head.place(tags));
    const keys = requests.flatMap(({ key }, i) => [this.names.lease(key), ...placed[i]!.keys]);
    const given = requests.flatMap(({ token, ttlMs, born }, i): Argument[] => {
      const { inHead } = placed[i]!;
      return [placed[i]!.keys.length, inHead.length, token ?? '', ttlMs, born.epoch, born.seq, ...inHead];
    });
    const reply = await this.head.run('settle', ['coherence', requests.length], (opening) => [
      2 + keys.length,
      this.names.head,
      this.names.recent,
      ...keys,
      ...opening,
      ...given,
    ]);
    return (reply as unknown[]).slice(2);
  }

  private storeAll(requests: readonly FillRequest[]): Promise<unknown>[] {
    const names = requests.map(({ key }) => this.names.entry(key));
    if (this.nodes.sharded) return requests.map((request, i) => this.storeAt(names[i]!, request));
    const given = requests.flatMap(({ bytes, ttlMs }): Argument[] => [bytes, ttlMs]);
    const store = (client: Redis): Promise<unknown> => script(client, 'store')(names.length, ...names, ...given);
    const stored = this.sendStore(store, requests.length);
    return requests.map(async (_, i) => (await stored)[i]);
  }

  private async sendStore(store: (client: Redis) => Promise<unknown>, count: number): Promise<unknown[]> {
    return (await this.head.link.send(store, 'coherence', count)) as unknown[];
  }

  private async storeAt(name: string, { bytes, ttlMs }: FillRequest): Promise<unknown> {
    const store = (client: Redis): Promise<unknown> => script(client, 'store')(1, name, bytes, ttlMs);
    const stored = (await this.nodes.linkFor(name)?.send(store, 'coherence')) as unknown[] | undefined;
    return stored?.[0];
  }
}
