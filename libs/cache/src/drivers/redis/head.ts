import { randomUUID } from 'node:crypto';
import { livesInHead } from '../../core/coherence/tags';
import type { Names } from './names';
import type { NodeLink, RedisNodes, Urgency } from './nodes';
import type { Argument } from './resp';
import { SCRIPTS, WITHOUT_MEMORY } from './script';
import { unavailable } from './unavailable';

/** Tags by where their versions live. */
export interface PlacedTags {
  /** Fields of `head`. */
  readonly inHead: readonly string[];
  /** Names of keys. */
  readonly keys: readonly string[];
}

/** The node of `head`, where versions, members and load leases are. */
export class HeadNode {
  constructor(
    private readonly nodes: RedisNodes,
    private readonly names: Names,
  ) {}

  /** @throws CacheError `L2_UNAVAILABLE` while the topology is unknown, like a command to a node that is away */
  get link(): NodeLink {
    const { control } = this.nodes;
    if (control === undefined) throw unavailable('the node is not known yet');
    return control;
  }

  get publishCommand(): 'PUBLISH' | 'SPUBLISH' {
    return this.nodes.sharded ? 'SPUBLISH' : 'PUBLISH';
  }

  place(tags: readonly string[]): PlacedTags {
    const inHead: string[] = [];
    const keys: string[] = [];
    for (const tag of tags) {
      if (livesInHead(tag)) inHead.push(fieldOf(tag));
      else keys.push(this.names.tag(tag));
    }
    return { inHead, keys };
  }

  /** Runs a script that begins by opening `head`, with the run id of the very connection it is sent on. */
  async run(
    name: keyof typeof SCRIPTS,
    [urgency, count]: readonly [Urgency, count?: number],
    args: (opening: readonly [run: string, epoch: string]) => Argument[],
  ): Promise<unknown> {
    const { link } = this;
    const script = (link.allowsOom ? WITHOUT_MEMORY : SCRIPTS)[name];
    const given = args([link.run, newEpoch()]);
    return link.send((client) => script.run(client, given), urgency, count);
  }
}

/** For the script that has to begin one: 64 random bits, which no two have in common. Node draws UUIDs many at a time. */
export function newEpoch(): string {
  const id = randomUUID();
  return id.slice(0, 8) + id.slice(-8);
}

/** Field of `head` with the version of a tag that lives there. */
export const fieldOf = (tag: string): string => `v:${tag}`;
