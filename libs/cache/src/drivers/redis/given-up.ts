import type { Redis } from 'ioredis';
import type { HeadNode } from './head';
import type { RedisNodes } from './nodes';
import { SCRIPTS } from './script';

/** As many as may be under way. */
const MOST = 10_000;
const MOST_OF_ONE_COMMAND = 500;

/**
 * Leave to load that was asked for, and whose answer was given up: a server that hangs does what it was asked once it
 * wakes, and then everybody waits for a load that nobody runs. Given back as soon as the server answers again.
 */
export class GivenUp {
  /** Names of the load leases by token. */
  private readonly leases = new Map<string, string>();

  constructor(
    nodes: RedisNodes,
    private readonly head: HeadNode,
  ) {
    nodes.onChange({ breakerChanged: (state) => state === 'closed' && this.giveBack() });
  }

  add(lease: string, token: string): void {
    if (this.leases.size < MOST) this.leases.set(token, lease);
  }

  private giveBack(): void {
    const all = [...this.leases];
    this.leases.clear();
    for (let first = 0; first < all.length; first += MOST_OF_ONE_COMMAND) {
      const some = all.slice(first, first + MOST_OF_ONE_COMMAND);
      const [tokens, leases] = [some.map(([token]) => token), some.map(([, lease]) => lease)];
      const release = (client: Redis): Promise<unknown> =>
        SCRIPTS.release.run(client, [leases.length, ...leases, ...tokens]);
      // Away again: they end by themselves.
      this.head.link.send(release, 'coherence').catch(() => undefined);
    }
  }
}
