import type { Redis } from 'ioredis';
import { livesInHead } from '../../core/coherence/tags';
import type { LoadWish, RemoteRead, TagRead, TagVersion } from '../../core/ports/remote-store';
import type { GivenUp } from './given-up';
import { fieldOf, newEpoch, type HeadNode } from './head';
import type { Names } from './names';
import type { NodeLink, RedisNodes } from './nodes';
import { script } from './script';
import { WISHED } from './scripts/reading';
import { Turn } from './turn';
import { asUnavailable } from './unavailable';

/**
 * Most bytes of an entry that is read with others, and of one that is looked for alone by who would load it. A script
 * copies what it answers with several times: beyond this, a command of Redis' own is cheaper although it costs a round
 * trip more.
 */
const [MOST_OF_ONE, MOST_ALONE] = [16 * 1_024, 64 * 1_024];
/** Reads of one command: the server works on the next while the client takes the first apart. */
const MOST_READS = 16;

interface Wanted {
  /** Name of the entry; `undefined` where only versions are asked for. */
  readonly name: string | undefined;
  readonly tags: readonly string[];
  readonly mostBytes: number;
  /** The reader will load what is not there. */
  readonly wish: LoadWish | undefined;
  /** Name of the load lease, for the wish. */
  readonly lease: string | undefined;
}

/** An entry, nothing, 1 for one that is too large for this, an error, or nothing with the outcome of a wish. */
type Found = Buffer | null | number | Error;
type Reply = [head: (Buffer | null)[], versions: (Buffer | null)[], ...entries: Found[]];

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
    private readonly givenUp: GivenUp,
  ) {}

  /** In a cluster a wish is left to a grant: entry and load lease are on different nodes. */
  read(key: string, tags: readonly string[], mostBytes: number, wish?: LoadWish): Promise<RemoteRead> {
    const name = this.names.entry(key);
    if (this.nodes.sharded) return this.readApart(name, tags, mostBytes);
    const lease = wish && this.names.lease(key);
    return this.turn.ask({ name, tags, mostBytes, wish, lease });
  }

  private async readApart(name: string, tags: readonly string[], mostBytes: number): Promise<RemoteRead> {
    const [bytes, read] = await Promise.all([
      bytesFrom(this.nodes.linkFor(name), name, mostBytes),
      this.readTags(tags),
    ]);
    return { ...read, bytes };
  }

  readTags(tags: readonly string[]): Promise<RemoteRead> {
    return this.turn.ask({ name: undefined, tags, mostBytes: 0, wish: undefined, lease: undefined });
  }

  private async readAll(wanted: readonly Wanted[]): Promise<(RemoteRead | Promise<RemoteRead> | Error)[]> {
    const [first] = wanted;
    if (wanted.length === 1 && first!.wish === undefined) return [this.readPlainly(first!)];
    const { link } = this.head;
    const { fields, tags } = placesOf(wanted);
    const keys = [this.names.head, ...tags.list.map((tag) => this.names.tag(tag))];
    for (const { name } of wanted) if (name !== undefined) keys.push(name);
    const entryCount = keys.length - 1 - tags.size;
    for (const { lease } of wanted) if (lease !== undefined) keys.push(lease);
    const isToLoad = wanted.some(({ wish }) => wish !== undefined);
    const most = wanted.length === 1 ? MOST_ALONE : MOST_OF_ONE;
    const bounds = [tags.size, most, MOST_READS * MOST_OF_ONE];
    const fieldNames = fields.list.map(fieldOf);
    let isSent = false;
    const read = (client: Redis): Promise<unknown> => {
      isSent = true;
      if (!isToLoad) return script(client, 'readBuffer')(keys.length, ...keys, ...bounds, ...fieldNames);
      const opening = [link.run, newEpoch()];
      const given = [...opening, ...bounds, entryCount, fields.size, ...fieldNames, ...wishesOf(wanted, tags, fields)];
      return script(client, 'readToLoadBuffer')(keys.length, ...keys, ...given);
    };
    const reply = (await link.send(read, 'ordinary', wanted.length).catch((error: unknown) => {
      for (const { wish, lease } of isSent ? wanted : []) if (wish !== undefined) this.givenUp.add(lease!, wish.token);
      throw error;
    })) as Reply;
    const [opened, versions, ...entries] = reply;
    const told = new Told(opened, versions, link.run, fields, tags);
    let entry = 0;
    return wanted.map((one) => {
      const found = one.name === undefined ? null : entries[entry++]!;
      if (found instanceof Error) return asUnavailable(found);
      if (typeof found === 'number' && found < WISHED) return this.readPlainly(one);
      if (typeof found === 'number') return told.granted(one.tags, found - WISHED);
      return told.of(one.tags, found ?? undefined);
    });
  }

  /**
   * By commands of Redis' own: less work than a script for one reader, and for bytes that a script would copy. The entry
   * is read first: an invalidation that comes between is then seen by the versions.
   */
  private async readPlainly(one: Wanted): Promise<RemoteRead> {
    const { link } = this.head;
    const { fields, tags } = placesOf([one]);
    const send = (client: Redis): Promise<[Buffer | undefined, (Buffer | null)[], (Buffer | null)[]]> =>
      Promise.all([
        one.name === undefined ? undefined : bytesOf(client, one.name, one.mostBytes),
        client.hmgetBuffer(this.names.head, 'epoch', 'run', 'seq', ...fields.list.map(fieldOf)),
        tags.size === 0 ? [] : client.mgetBuffer(tags.list.map((tag) => this.names.tag(tag))),
      ]);
    const [bytes, opened, versions] = await link.send(send);
    return new Told(opened, versions, link.run, fields, tags).of(one.tags, bytes);
  }
}

/** What is asked for, each once: tags that live in `head`, and the others. */
function placesOf(wanted: readonly Wanted[]): { readonly fields: Places; readonly tags: Places } {
  const [fields, tags] = [new Places(), new Places()];
  for (const one of wanted) {
    for (const tag of one.tags) (livesInHead(tag) ? fields : tags).add(tag);
  }
  return { fields, tags };
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

/** What `READ_TO_LOAD` is told of each entry: by places, so that what declares the same tags names them once. */
function wishesOf(wanted: readonly Wanted[], tags: Places, fields: Places): string[] {
  const wishes: string[] = [];
  for (const { name, tags: declared, wish } of wanted) {
    if (name === undefined) continue;
    let text = wish === undefined ? '' : `${wish.token} ${wish.leaseMs} ${wish.tagTtlMs}`;
    for (const tag of wish === undefined ? [] : declared) {
      text += ` ${1 + (livesInHead(tag) ? tags.size + fields.of(tag) : tags.of(tag))}`;
    }
    wishes.push(text);
  }
  return wishes;
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

  /** Nothing found, and leave to load asked for in the same step. */
  granted(tags: readonly string[], outcome: number): RemoteRead {
    const { head } = this;
    if (head === undefined) return this.of(tags, undefined);
    const grant = { epoch: head.epoch, seq: head.seq, granted: outcome === 1, filled: outcome === 2 };
    // Whoever loads has no use for versions.
    return { bytes: undefined, head, versions: [], grant };
  }

  of(tags: readonly string[], bytes: Buffer | undefined): RemoteRead {
    const versions = tags.map((tag) =>
      livesInHead(tag) ? this.inHead[this.fields.of(tag)] : this.byKey[this.tags.of(tag)],
    );
    return { bytes, head: this.head, versions };
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
