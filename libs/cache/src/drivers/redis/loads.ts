import type { FillRequest, Grant, GrantRequest } from '../../core/ports/remote-store';
import { FillShapes } from './fill-shapes';
import type { GivenUp } from './given-up';
import type { HeadNode } from './head';
import type { Names } from './names';
import type { RedisNodes } from './nodes';
import type { Argument } from './resp';
import { SCRIPTS } from './script';
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
    // An item, and each tag that it looks at, costs the server about as much as three kilobytes.
    sizeOf: ({ bytes, tags, settled = 0 }) => bytes.length + 3_072 * (1 + tags.length - settled),
  });

  constructor(
    private readonly nodes: RedisNodes,
    private readonly names: Names,
    private readonly head: HeadNode,
    private readonly givenUp: GivenUp,
  ) {}

  grant(request: GrantRequest): Promise<Grant> {
    return this.grants.ask(request);
  }

  fill(request: FillRequest): Promise<boolean> {
    return this.fills.ask(request);
  }

  private async grantAll(requests: readonly GrantRequest[]): Promise<(Grant | Error)[]> {
    const keys: string[] = [];
    const given: Argument[] = [];
    for (const { key, tags, token, leaseMs, tagTtlMs, takeOver } of requests) {
      const lease = this.names.lease(key);
      const placed = this.head.place(tags);
      const further = placed.keys.filter((name) => name !== lease);
      // A tag that nobody declares is there for the lease alone.
      const ttlMs = further.length === placed.keys.length ? leaseMs : tagTtlMs;
      keys.push(lease, ...further);
      given.push(further.length, placed.inHead.length, token, leaseMs, tagTtlMs, ttlMs, takeOver ? 1 : 0);
      given.push(...placed.inHead);
    }
    const asked = this.head.run('grant', ['ordinary', requests.length], (opening) => [
      1 + keys.length,
      this.names.head,
      ...keys,
      ...opening,
      ...given,
    ]);
    const reply = await asked.catch((error: unknown) => {
      for (const { key, token } of requests) this.givenUp.add(this.names.lease(key), token);
      throw error;
    });
    const [epoch, seq, ...outcomes] = reply as [string, string, ...(number | Error)[]];
    return outcomes.map((outcome) =>
      outcome instanceof Error
        ? asUnavailable(outcome)
        : { epoch, seq: Number(seq), granted: outcome === 1, filled: outcome === 2 },
    );
  }

  /**
   * A value is there before those who wait for it are told so: on one server one script sees to that; in a cluster the
   * entry's own node may store it a moment later, and who looks too early looks again. Settled also where nobody is known
   * to hold the entry: the load lease must end.
   */
  private async fillAll(requests: readonly FillRequest[]): Promise<(boolean | Promise<boolean> | Error)[]> {
    const stored = this.nodes.sharded ? requests.map((request) => this.storeAtItsNode(request)) : undefined;
    const settled = this.settleAll(requests, stored === undefined);
    if (stored === undefined) return (await settled).map(outcomeOf);
    // One promise each: a node that hangs keeps nobody else waiting.
    return requests.map(async (_, i) => {
      const [atNode, inHead] = await Promise.all([stored[i]!, settled.then((all) => all[i])]);
      if (inHead instanceof Error) throw asUnavailable(inHead);
      return atNode === 1;
    });
  }

  /** Not held back: it follows a grant that was let through, and ends the lease that others wait for. */
  private async settleAll(requests: readonly FillRequest[], holdsEntries: boolean): Promise<unknown[]> {
    const shapes = new FillShapes(requests, this.head, holdsEntries);
    const { items } = shapes;
    const keys = items.map(({ request }) => this.names.lease(request.key));
    for (const { request, tags } of items) {
      for (const name of tags.keys) keys.push(name);
      if (holdsEntries) keys.push(this.names.entry(request.key));
    }
    const args: Argument[] = [items.length, ...shapes.told];
    for (const { request } of items) args.push(request.token ?? '');
    if (holdsEntries) for (const { request } of items) args.push(request.bytes);
    const reply = await this.head.run('fill', ['coherence', items.length], (opening) => [
      2 + keys.length,
      this.names.head,
      this.names.recent,
      ...keys,
      ...opening,
      ...args,
    ]);
    const outcomes: unknown[] = [];
    items.forEach(({ place }, i) => (outcomes[place] = (reply as unknown[])[i]));
    return outcomes;
  }

  private async storeAtItsNode({ key, bytes, ttlMs }: FillRequest): Promise<unknown> {
    const name = this.names.entry(key);
    return this.nodes.linkFor(name)?.send((client) => SCRIPTS.store.run(client, [1, name, bytes, ttlMs]), 'coherence');
  }
}

const outcomeOf = (outcome: unknown): boolean | Error =>
  outcome instanceof Error ? asUnavailable(outcome) : outcome === 1;
