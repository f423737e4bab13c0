import type { Command, Redis } from 'ioredis';
import { GivenUp } from './given-up';
import { HeadNode } from './head';
import { Loads } from './loads';
import { Names } from './names';
import type { NodeLink, RedisNodes } from './nodes';
import { SCRIPTS } from './script';

const client = {
  sendCommand: ({ args: [digest] }: Command) => Promise.resolve(digest === SCRIPTS.fill.digest ? [1, 1] : 1),
} as unknown as Redis;

/** A node that answers at once, or one that never does. */
const node = (hangs: boolean): NodeLink => ({
  available: true,
  run: 'run',
  allowsOom: true,
  send: (send) => (hangs ? new Promise(() => undefined) : send(client)),
});

describe('fills of one turn in a cluster', () => {
  it('a node that hangs keeps those of the others from nothing', async () => {
    const names = new Names('test');
    const [whole, hung] = [node(false), node(true)];
    const nodes = {
      sharded: true,
      control: whole,
      linkFor: (name: string) => (/hung/.test(name) ? hung : whole),
      onChange: () => undefined,
    } as unknown as RedisNodes;
    const head = new HeadNode(nodes, names);
    const loads = new Loads(nodes, names, head, new GivenUp(nodes, head));
    const fill = (key: string): Promise<boolean> =>
      loads.fill({
        key,
        bytes: Buffer.from('b'),
        born: { epoch: 'epoch', seq: 1 },
        tags: ['*'],
        ttlMs: 1,
        token: undefined,
      });
    const outcomes = [fill('hung'), fill('whole')];
    expect(await outcomes[1]).toBe(true);
    expect(await Promise.race([outcomes[0], Promise.resolve('still waiting')])).toBe('still waiting');
  });
});
