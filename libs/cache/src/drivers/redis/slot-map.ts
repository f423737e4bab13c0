import type { NodeAddress } from './cluster-links';

interface SlotRange {
  readonly from: number;
  readonly to: number;
  readonly owner: string;
}

/** Which master owns which of the 16 384 slots of a cluster, as `CLUSTER SLOTS` last told. */
export class SlotMap {
  private ranges: readonly SlotRange[] = [];

  /** Addresses of all masters that own slots. */
  get owners(): readonly string[] {
    return [...new Set(this.ranges.map(({ owner }) => owner))];
  }

  /** Address of the master of `slot`; `undefined` while nobody serves it. */
  ownerOf(slot: number): string | undefined {
    return this.ranges.find(({ from, to }) => from <= slot && slot <= to)?.owner;
  }

  /**
   * Replaces the map by a reply of `CLUSTER SLOTS` and returns the masters in it. A node that does not
   * know its own host leaves it empty: then it is the host that was asked.
   *
   * @throws TypeError when the reply is none, or knows no owner of `needed`; the map stays as it was
   */
  learn(reply: unknown, askedHost: string, needed: number): NodeAddress[] {
    if (!Array.isArray(reply)) throw new TypeError('not a reply of CLUSTER SLOTS');
    const masters = new Map<string, NodeAddress>();
    const ranges = reply.map((line: unknown) => {
      const [from, to, master] = line as [number, number, [string | null, number]];
      const node = { host: master[0] === null || master[0] === '' ? askedHost : master[0], port: master[1] };
      const owner = `${node.host}:${node.port}`;
      masters.set(owner, node);
      return { from, to, owner };
    });
    // A node that was reset, or has met nobody yet, knows of no slots: that is no map.
    if (!ranges.some(({ from, to }) => from <= needed && needed <= to)) throw new TypeError('no owner of the slot');
    this.ranges = ranges;
    return [...masters.values()];
  }
}
