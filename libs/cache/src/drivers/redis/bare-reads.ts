import type { Redis } from 'ioredis';
import type { Head, RemoteRead } from '../../core/ports/remote-store';
import type { HeadNode } from './head';
import type { NodeLink, RedisNodes } from './nodes';
import { SCRIPTS } from './script';
import { Turn } from './turn';
import { asUnavailable } from './unavailable';

/** Most bytes of an entry that is read with others: a script copies what it answers with several times. */
export const MOST_OF_ONE = 16 * 1_024;
/** Reads of one command: the server works on the next while the client takes the first apart. */
export const MOST_READS = 16;
/** The same where so many are under way that two such commands are; each command costs a write that wakes the server. */
const MOST_BARE = 32;

/** An entry, nothing, 1 for one that is too large for this, an error, or the outcome of a wish (`WISHED` and more). */
export type Found = Buffer | null | number | Error;

interface Wanted {
  readonly name: string;
  readonly mostBytes: number;
}

/** Entries without versions, for readers that judge them by what they have heard. */
export class BareReads {
  private readonly turn = new Turn<Wanted, RemoteRead>((wanted) => this.readAll(wanted), {
    items: MOST_BARE,
    fewest: MOST_READS,
    size: MOST_BARE,
    sizeOf: () => 1,
  });

  constructor(
    private readonly nodes: RedisNodes,
    private readonly head: HeadNode,
  ) {}

  read(name: string, mostBytes: number): Promise<RemoteRead> {
    return this.nodes.sharded ? this.readApart(name, mostBytes) : this.turn.ask({ name, mostBytes });
  }

  private async readApart(name: string, mostBytes: number): Promise<RemoteRead> {
    return bare(await bytesFrom(this.nodes.linkFor(name), name, mostBytes));
  }

  private async readAll(wanted: readonly Wanted[]): Promise<(RemoteRead | Promise<RemoteRead> | Error)[]> {
    const { link } = this.head;
    if (wanted.length === 1) return [this.readAlone(wanted[0]!)];
    const names = wanted.map(({ name }) => name);
    const read = (client: Redis): Promise<unknown> =>
      SCRIPTS.readBare.run(client, [names.length, ...names, MOST_OF_ONE], 'bytes');
    const found = (await link.send(read, 'ordinary', wanted.length)) as Found[];
    return wanted.map((one, i) => {
      const bytes = found[i]!;
      if (bytes instanceof Error) return asUnavailable(bytes);
      return typeof bytes === 'number' ? this.readAlone(one) : bare(bytes ?? undefined);
    });
  }

  private async readAlone({ name, mostBytes }: Wanted): Promise<RemoteRead> {
    return bare(await this.head.link.send((client) => bytesOf(client, name, mostBytes)));
  }
}

const NO_VERSIONS: RemoteRead['versions'] = Object.freeze([]);

/** An answer without versions. */
export const bare = (bytes: Buffer | undefined, head?: Head): RemoteRead => ({
  bytes,
  head,
  versions: NO_VERSIONS,
  isBare: true,
});

/** What an entry's own node has. One that is away, or has moved, costs its keys a miss, and the others nothing. */
export async function bytesFrom(
  holder: NodeLink | undefined,
  name: string,
  mostBytes: number,
): Promise<Buffer | undefined> {
  if (holder === undefined || !holder.available) return undefined;
  return holder.send((client) => bytesOf(client, name, mostBytes)).catch(() => undefined);
}

/** `GETRANGE`, not `GET`: what is too large for an entry is not carried over to be refused here. */
export async function bytesOf(client: Redis, name: string, mostBytes: number): Promise<Buffer | undefined> {
  const bytes = await client.getrangeBuffer(name, 0, mostBytes);
  return bytes.length === 0 ? undefined : bytes;
}
