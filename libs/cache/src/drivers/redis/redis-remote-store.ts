import { randomBytes } from 'node:crypto';
import type { Redis } from 'ioredis';
import { livesInHead } from '../../core/coherence/tags';
import type { BreakerState } from '../../core/events';
import type {
  FillRequest,
  Grant,
  GrantRequest,
  Heartbeat,
  Invalidated,
  InvalidationMessage,
  RemoteRead,
  RemoteStore,
  TagRead,
  TagVersion,
} from '../../core/ports/remote-store';
import type { Names } from './names';
import { unavailable } from './unavailable';
import type { NodeLink, RedisNodes, Urgency } from './nodes';
import * as scripts from './scripts';

/** Life of a tag that nobody carried when it was invalidated, in milliseconds. */
const UNCARRIED_TAG_MS = 3_600_000;

type Argument = string | number | Buffer;
type Script = (...args: Argument[]) => Promise<unknown>;
type ScriptName = 'grant' | 'settle' | 'store' | 'invalidate' | 'heartbeat' | 'removeMember' | 'release';

/** Names the scripts once on each client; ioredis sends their digest, and the text when it is unknown. */
function defineScripts(client: Redis): void {
  const define = (name: string, lua: string, numberOfKeys?: number): void =>
    client.defineCommand(name, numberOfKeys === undefined ? { lua } : { lua, numberOfKeys });
  define('strataGrant', scripts.GRANT);
  define('strataSettle', scripts.SETTLE);
  define('strataStore', scripts.STORE, 1);
  define('strataRemoveMember', scripts.REMOVE_MEMBER, 1);
  define('strataRelease', scripts.RELEASE, 1);
  for (const [suffix, flags] of [
    ['', ''],
    ['AllowOom', scripts.ALLOW_OOM],
  ] as const) {
    define(`strataInvalidate${suffix}`, flags + scripts.INVALIDATE);
    define(`strataHeartbeat${suffix}`, flags + scripts.HEARTBEAT, 1);
  }
}

/**
 * {@link RemoteStore} on Redis 6.2 or newer (7 for a cluster), Valkey included. Never uses `KEYS`, `SCAN`
 * or `FLUSHDB`.
 */
export class RedisRemoteStore implements RemoteStore {
  readonly holdsEntries = true;

  constructor(
    private readonly nodes: RedisNodes,
    private readonly names: Names,
  ) {
    nodes.onClient(defineScripts);
  }

  get available(): boolean {
    return this.nodes.available;
  }

  onBreakerChange(listener: (state: BreakerState, reason: string) => void): void {
    this.nodes.onChange({ breakerChanged: listener });
  }

  async read(key: string, tags: readonly string[], mostBytes: number): Promise<RemoteRead> {
    const name = this.names.entry(key);
    const control = this.control();
    const holder = this.nodes.linkFor(name);
    if (holder !== control) {
      const [bytes, read] = await Promise.all([bytesFrom(holder, name, mostBytes), this.readTags(tags)]);
      return { bytes, ...read };
    }
    // One flush to the socket: three commands, one round trip.
    const [bytes, read] = await control.send((client) =>
      Promise.all([bytesOf(client, name, mostBytes), this.versions(client, control.run, tags)]),
    );
    return { bytes, ...read };
  }

  async readTags(tags: readonly string[]): Promise<TagRead> {
    const control = this.control();
    return control.send((client) => this.versions(client, control.run, tags));
  }

  async grant(request: GrantRequest): Promise<Grant> {
    const { inHead, keys } = this.place(request.tags);
    const [epoch, seq, granted] = (await this.atHead('grant', 'ordinary', (opening) => [
      2 + keys.length,
      this.names.head,
      this.names.lease(request.key),
      ...keys,
      ...opening,
      request.token,
      request.leaseMs,
      request.tagTtlMs,
      request.takeOver ? 1 : 0,
      ...inHead,
    ])) as [string, string, number];
    return { epoch, seq: Number(seq), granted: granted === 1, filled: granted === 2 };
  }

  async fill(request: FillRequest): Promise<boolean> {
    const { inHead, keys } = this.place(request.tags);
    const name = this.names.entry(request.key);
    const holder = this.nodes.linkFor(name);
    // Not held back: it follows a grant that was let through, and ends the lease that others wait for.
    const settled = this.atHead('settle', 'coherence', (opening) => [
      3 + keys.length,
      this.names.head,
      this.names.recent,
      this.names.lease(request.key),
      ...keys,
      ...opening,
      request.token ?? '',
      request.ttlMs,
      request.born.epoch,
      request.born.seq,
      ...inHead,
    ]);
    const store = (client: Redis): Promise<unknown> => script(client, 'store')(name, request.bytes, request.ttlMs);
    // Settled also where nobody is known to hold the entry: others wait for the load lease to end.
    const stored = holder === undefined ? 0 : holder.send(store, 'coherence');
    const [, took] = await Promise.all([settled, stored]);
    return took === 1;
  }

  async release(key: string, token: string): Promise<void> {
    await this.control().send((client) => script(client, 'release')(this.names.lease(key), token), 'coherence');
  }

  async invalidate(message: Omit<InvalidationMessage, 'epoch' | 'seq'>): Promise<Invalidated> {
    const { inHead, keys } = this.place(message.tags);
    const [epoch, seq, flat, prior] = (await this.atHead('invalidate', 'coherence', (opening) => [
      2 + keys.length,
      this.names.head,
      this.names.recent,
      ...keys,
      ...opening,
      message.mode,
      UNCARRIED_TAG_MS,
      this.publishCommand,
      this.names.bus,
      JSON.stringify(message),
      ...inHead,
    ])) as [string, string, string[], string];
    const members = new Map<string, string>();
    for (let i = 0; i < flat.length; i += 2) members.set(flat[i]!, flat[i + 1]!);
    return { epoch, seq: Number(seq), members, prior: Number(prior) };
  }

  async heartbeat(member: string, beat: number): Promise<Heartbeat> {
    const [epoch, seq, unknown, members] = (await this.atHead('heartbeat', 'coherence', (opening) => [
      this.names.head,
      ...opening,
      member,
      this.publishCommand,
      this.names.member(member),
      beat,
    ])) as [string, string, string | null, number];
    return { head: { epoch, seq: Number(seq) }, unknownMember: unknown ?? undefined, members };
  }

  async removeMember(member: string, mark?: string): Promise<void> {
    const remove = (client: Redis): Promise<unknown> =>
      script(client, 'removeMember')(this.names.head, member, mark ?? '');
    await this.control().send(remove, 'coherence');
  }

  /** Runs a script that begins by opening `head`, with the run id of the very connection it is sent on. */
  private atHead(
    name: ScriptName,
    urgency: Urgency,
    args: (opening: [run: string, epoch: string]) => Argument[],
  ): Promise<unknown> {
    const control = this.nodes.control ?? absent();
    const allowOom = (name === 'invalidate' || name === 'heartbeat') && control.allowsOom;
    const given = args([control.run, randomBytes(8).toString('hex')]);
    return control.send((client) => script(client, name, allowOom)(...given), urgency);
  }

  private control(): NodeLink {
    return this.nodes.control ?? absent();
  }

  private get publishCommand(): 'PUBLISH' | 'SPUBLISH' {
    return this.nodes.sharded ? 'SPUBLISH' : 'PUBLISH';
  }

  private async versions(client: Redis, ownRun: string, tags: readonly string[]): Promise<TagRead> {
    const { inHead, keys } = this.place(tags);
    const [head, values] = await Promise.all([
      client.hmget(this.names.head, 'epoch', 'run', 'seq', ...inHead),
      keys.length === 0 ? [] : client.mget(keys),
    ]);
    const [epoch, run, seq, ...ofHead] = head;
    // `head` of another run of the server: its versions say nothing about what this run holds.
    if (epoch == null || run !== ownRun) return { head: undefined, versions: tags.map(() => undefined) };
    const versions = tags.map((tag) => version(livesInHead(tag) ? ofHead.shift() : values.shift(), epoch));
    return { head: { epoch, seq: Number(seq) }, versions };
  }

  private place(tags: readonly string[]): { inHead: string[]; keys: string[] } {
    const inHead: string[] = [];
    const keys: string[] = [];
    for (const tag of tags) {
      if (livesInHead(tag)) inHead.push(`v:${tag}`);
      else keys.push(this.names.tag(tag));
    }
    return { inHead, keys };
  }
}

/** While the topology is unknown every command fails at once, like one to a node that is away. */
function absent(): never {
  throw unavailable('the node is not known yet');
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

function script(client: Redis, name: ScriptName, allowOom = false): Script {
  const command = `strata${name[0]!.toUpperCase()}${name.slice(1)}${allowOom ? 'AllowOom' : ''}`;
  return (client as unknown as Record<string, Script>)[command]!.bind(client);
}

/** `epoch|deleted|expired`; a version of another epoch is unknown. */
function version(text: string | null | undefined, epoch: string): TagVersion | undefined {
  if (text == null || !text.startsWith(epoch)) return undefined;
  const [, deleted, expired] = text.split('|');
  return { deleted: Number(deleted), expired: Number(expired) };
}
