import type { Redis } from 'ioredis';
import { livesInHead } from '../../core/coherence/tags';
import type { RemoteRead, TagRead, TagVersion } from '../../core/ports/remote-store';
import { fieldOf, type HeadNode } from './head';
import type { Names } from './names';
import type { NodeLink, RedisNodes } from './nodes';
import { script } from './script';
import { Turn } from './turn';
import { asUnavailable } from './unavailable';

/**
 * Most bytes of an entry that is read with others, and of one that is read alone. A script copies what it answers
 * with several times: beyond this, a command of Redis' own is cheaper although it costs a round trip more.
 */
const [MOST_OF_ONE, MOST_ALONE] = [16 * 1_024, 64 * 1_024];
/** Reads of one command: the server works on the next while the client takes the first apart. */
const MOST_READS = 16;

interface Wanted {
  /** Name of the entry; `undefined` where only versions are asked for. */
  readonly name: string | undefined;
  readonly tags: readonly string[];
  readonly mostBytes: number;
}

type Reply = [head: (Buffer | null)[], versions: (Buffer | null)[], ...entries: (Buffer | null | 1 | Error)[]];

/**
 * Entries and versions. Reads of one turn of the loop go {@link MOST_READS} to a command: it looks at `head` once, and
 * at each tag once however many readers declare it.
 */
export class Reads {
  private readonly turn = new Turn<Wanted, RemoteRead>((wanted) => this.readAll(wanted), {
    items: MOST_READS,
    size: 1_000,
    sizeOf: ({ tags }) => tags.length,
  });

  constructor(
    private readonly nodes: RedisNodes,
    private readonly names: Names,
    private readonly head: HeadNode,
  ) {}

  async read(key: string, tags: readonly string[], mostBytes: number): Promise<RemoteRead> {
    const name = this.names.entry(key);
    if (!this.nodes.sharded) return this.turn.ask({ name, tags, mostBytes });
    const [bytes, read] = await Promise.all([
      bytesFrom(this.nodes.linkFor(name), name, mostBytes),
      this.turn.ask({ name: undefined, tags, mostBytes: 0 }),
    ]);
    return { ...read, bytes };
  }

  readTags(tags: readonly string[]): Promise<TagRead> {
    return this.turn.ask({ name: undefined, tags, mostBytes: 0 });
  }

  private async readAll(wanted: readonly Wanted[]): Promise<(RemoteRead | Promise<RemoteRead> | Error)[]> {
    const { link } = this.head;
    const fields = new Places();
    const tags = new Places();
    for (const one of wanted) {
      for (const tag of one.tags) (livesInHead(tag) ? fields : tags).add(tag);
    }
    const names = wanted.flatMap(({ name }) => name ?? []);
    const most = wanted.length === 1 ? MOST_ALONE : MOST_OF_ONE;
    const read = (client: Redis): Promise<unknown> =>
      script(client, 'readBuffer')(
        1 + tags.size + names.length,
        this.names.head,
        ...tags.list.map((tag) => this.names.tag(tag)),
        ...names,
        tags.size,
        most,
        MOST_READS * MOST_OF_ONE,
        ...fields.list.map(fieldOf),
      );
    const reply = (await link.send(read, 'ordinary', wanted.length)) as Reply;
    const [opened, versions, ...entries] = reply;
    const told = new Told(opened, versions, link.run, fields, tags);
    let entry = 0;
    return wanted.map((one) => {
      const found = one.name === undefined ? null : entries[entry++]!;
      if (found instanceof Error) return asUnavailable(found);
      return found === 1 ? this.alone(one.name!, one) : { bytes: found ?? undefined, ...told.of(one.tags) };
    });
  }

  /** Past the script; see {@link MOST_ALONE}. */
  private async alone(name: string, { tags, mostBytes }: Wanted): Promise<RemoteRead> {
    const [bytes, read] = await Promise.all([
      this.head.link.send((client) => bytesOf(client, name, mostBytes)),
      this.readTags(tags),
    ]);
    return { ...read, bytes };
  }
}

/** Distinct names in the order of their first mention. */
class Places {
  private readonly places = new Map<string, number>();

  get size(): number {
    return this.places.size;
  }

  get list(): string[] {
    return [...this.places.keys()];
  }

  add(name: string): void {
    if (!this.places.has(name)) this.places.set(name, this.places.size);
  }

  of(name: string): number {
    return this.places.get(name)!;
  }
}

/** What one look at `head` and at the tags of a turn has told; each version is read once. */
class Told {
  private readonly head: TagRead['head'];
  private readonly inHead: (TagVersion | undefined)[] = [];
  private readonly byKey: (TagVersion | undefined)[] = [];

  constructor(
    opened: readonly (Buffer | null)[],
    versions: readonly (Buffer | null)[],
    ownRun: string,
    private readonly fields: Places,
    private readonly tags: Places,
  ) {
    const [epoch, run, seq, ...ofHead] = opened.map((bytes) => bytes?.toString('latin1'));
    // `head` of another run of the server: its versions say nothing about what this run holds.
    if (epoch === undefined || run !== ownRun) return;
    this.head = { epoch, seq: Number(seq) };
    this.inHead = ofHead.map((text) => version(text, epoch));
    this.byKey = versions.map((bytes) => version(bytes?.toString('latin1'), epoch));
  }

  of(tags: readonly string[]): TagRead {
    const versions = tags.map((tag) =>
      livesInHead(tag) ? this.inHead[this.fields.of(tag)] : this.byKey[this.tags.of(tag)],
    );
    return { head: this.head, versions };
  }
}

/** `epoch|deleted|expired`; a version of another epoch is unknown. */
function version(text: string | undefined, epoch: string): TagVersion | undefined {
  if (text === undefined || !text.startsWith(epoch)) return undefined;
  const deleted = text.slice(epoch.length + 1, text.lastIndexOf('|'));
  return { deleted: Number(deleted), expired: Number(text.slice(epoch.length + deleted.length + 2)) };
}

/** What an entry's own node has. One that is away, or has moved, costs its keys a miss, and the others nothing. */
async function bytesFrom(holder: NodeLink | undefined, name: string, mostBytes: number): Promise<Buffer | undefined> {
  if (holder === undefined || !holder.available) return undefined;
  return holder.send((client) => bytesOf(client, name, mostBytes)).catch(() => undefined);
}

/** `GETRANGE`, not `GET`: what is too large for an entry is not carried over to be refused here. */
async function bytesOf(client: Redis, name: string, mostBytes: number): Promise<Buffer | undefined> {
  const bytes = await client.getrangeBuffer(name, 0, mostBytes);
  return bytes.length === 0 ? undefined : bytes;
}
