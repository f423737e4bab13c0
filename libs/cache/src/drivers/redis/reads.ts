import type { Redis } from 'ioredis';
import { livesInHead, tagOfStored } from '../../core/coherence/tags';
import type { LoadWish, RemoteRead } from '../../core/ports/remote-store';
import { bare, BareReads, bytesFrom, bytesOf, MOST_OF_ONE, MOST_READS, type Found } from './bare-reads';
import type { GivenUp } from './given-up';
import { fieldOf, newEpoch, type HeadNode } from './head';
import type { Names } from './names';
import type { NodeLink, RedisNodes } from './nodes';
import type { Argument } from './resp';
import { SCRIPTS } from './script';
import { FIRST_LETTER, WISHED } from './scripts/reading';
import { Places, placesOf, Told } from './told-versions';
import { Turn } from './turn';
import { asUnavailable } from './unavailable';

/** Most bytes of an entry that is looked for alone by who would load it; beyond it, a round trip more is cheaper. */
const MOST_ALONE = 64 * 1_024;

interface Wanted {
  /** Name of the entry; `undefined` where only versions are asked for. */
  readonly name: string | undefined;
  readonly tags: readonly string[];
  readonly mostBytes: number;
  /** The reader will load what is not there. */
  readonly wish: LoadWish | undefined;
  /** Tag that the load lease is kept with, for the wish. */
  readonly lease: string | undefined;
  /** No versions are asked for beside the entry. */
  readonly isBare: boolean;
}

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
  private readonly bareReads: BareReads;

  constructor(
    private readonly nodes: RedisNodes,
    private readonly names: Names,
    private readonly head: HeadNode,
    private readonly givenUp: GivenUp,
  ) {
    this.bareReads = new BareReads(nodes, head);
  }

  /** In a cluster a wish is left to a grant: entry and load lease are on different nodes. */
  read(key: string, tags: readonly string[], mostBytes: number, wish?: LoadWish, isBare = false): Promise<RemoteRead> {
    const name = this.names.entry(key);
    if (isBare && (wish === undefined || this.nodes.sharded)) return this.bareReads.read(name, mostBytes);
    if (this.nodes.sharded) return this.readApart(name, tags, mostBytes);
    const lease = wish && tagOfStored(key);
    return this.turn.ask({ name, tags, mostBytes, wish, lease, isBare });
  }

  private async readApart(name: string, tags: readonly string[], mostBytes: number): Promise<RemoteRead> {
    const [bytes, read] = await Promise.all([
      bytesFrom(this.nodes.linkFor(name), name, mostBytes),
      this.readTags(tags),
    ]);
    return { ...read, bytes };
  }

  readTags(tags: readonly string[]): Promise<RemoteRead> {
    return this.turn.ask({ name: undefined, tags, mostBytes: 0, wish: undefined, lease: undefined, isBare: false });
  }

  private async readAll(wanted: readonly Wanted[]): Promise<(RemoteRead | Promise<RemoteRead> | Error)[]> {
    const [first] = wanted;
    if (wanted.length === 1 && first!.wish === undefined) return [this.readPlainly(first!)];
    const { link } = this.head;
    const { fields, tags } = placesOf(wanted);
    const isBare = wanted.every((one) => one.isBare);
    const [opened, versions, ...entries] = await this.ask(link, wanted, { fields, tags }, isBare);
    const told = new Told(opened, versions, link.run, fields, tags);
    let entry = 0;
    return wanted.map((one) => {
      const found = one.name === undefined ? null : entries[entry++]!;
      if (found instanceof Error) return asUnavailable(found);
      if (typeof found === 'number' && found < WISHED) return this.readPlainly(one);
      if (typeof found === 'number') return told.granted(one.tags, found - WISHED);
      return isBare ? bare(found ?? undefined, told.head) : told.of(one.tags, found ?? undefined);
    });
  }

  private async ask(
    link: NodeLink,
    wanted: readonly Wanted[],
    { fields, tags }: { readonly fields: Places; readonly tags: Places },
    isBare: boolean,
  ): Promise<Reply> {
    const keys = [this.names.head, ...tags.list.map((tag) => this.names.tag(tag))];
    for (const { name } of wanted) if (name !== undefined) keys.push(name);
    const entryCount = keys.length - 1 - tags.size;
    const bounds = [tags.size, wanted.length === 1 ? MOST_ALONE : MOST_OF_ONE, MOST_READS * MOST_OF_ONE];
    const fieldNames = fields.list.map(fieldOf);
    let isSent = false;
    const read = (client: Redis): Promise<unknown> => {
      isSent = true;
      if (wanted.every(({ wish }) => wish === undefined)) {
        return SCRIPTS.read.run(client, [keys.length, ...keys, ...bounds, ...fieldNames], 'bytes');
      }
      const given = [link.run, newEpoch(), ...bounds, isBare ? 1 : 0, entryCount, fields.size, ...fieldNames];
      const wishes = wishesOf(wanted, tags, fields);
      return SCRIPTS.readToLoad.run(client, [keys.length, ...keys, ...given, ...wishes], 'bytes');
    };
    const reply = link.send(read, 'ordinary', wanted.length).catch((error: unknown) => {
      if (isSent) this.giveUp(wanted);
      throw error;
    });
    return (await reply) as Reply;
  }

  private giveUp(wanted: readonly Wanted[]): void {
    for (const { wish, lease } of wanted) {
      if (wish !== undefined) this.givenUp.add(this.names.tag(lease!), wish.token);
    }
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

/**
 * What `READ_TO_LOAD` is told of each entry: by places, so that what declares the same tags names them once, and what
 * wishes have in common is told once.
 */
function wishesOf(wanted: readonly Wanted[], tags: Places, fields: Places): Argument[] {
  const wishes: string[] = [];
  const terms = new Places();
  let [last, letter]: [Wanted | undefined, string] = [undefined, ''];
  let entry = 0;
  for (const one of wanted) {
    if (one.name === undefined) continue;
    entry++;
    if (one.wish === undefined) {
      wishes.push('');
      continue;
    }
    if (last === undefined || !haveSameTerms(last, one)) {
      letter = String.fromCharCode(FIRST_LETTER + terms.add(termsOf(one, tags.size, fields)));
      last = one;
    }
    wishes.push(one.wish.token + letter + placesOfWish(one, entry, tags));
  }
  return [terms.size, ...terms.list, ...wishes];
}

/** Of most wishes of a turn: those of one cache. Without making a text of them to compare. */
function haveSameTerms({ wish: a, tags: first }: Wanted, { wish: b, tags: second }: Wanted): boolean {
  if (a!.leaseMs !== b!.leaseMs || a!.tagTtlMs !== b!.tagTtlMs || first.length !== second.length) return false;
  return first.every((tag, i) => (livesInHead(tag) ? tag === second[i] : !livesInHead(second[i]!)));
}

function termsOf({ wish, tags: declared }: Wanted, tagCount: number, fields: Places): string {
  let terms = `${wish!.leaseMs} ${wish!.tagTtlMs}`;
  for (const tag of declared) if (livesInHead(tag)) terms += ` ${1 + tagCount + fields.of(tag)}`;
  return terms;
}

function placesOfWish({ lease, tags: declared }: Wanted, entry: number, tags: Places): string {
  const own = 1 + tags.of(lease!);
  let further = '';
  for (const tag of declared) if (!livesInHead(tag) && tag !== lease) further += ` ${1 + tags.of(tag)}`;
  return further === '' && own === entry ? '' : ` ${own}${further}`;
}
