import { randomBytes } from 'node:crypto';
import type { Redis } from 'ioredis';
import { livesInHead } from '../../core/coherence/tags';
import type {
  FillRequest,
  Grant,
  GrantRequest,
  Head,
  Invalidated,
  InvalidationMessage,
  RemoteRead,
  RemoteStore,
  TagRead,
  TagVersion,
} from '../../core/ports/remote-store';
import type { Names } from './names';
import type { RedisLink } from './redis-link';
import * as scripts from './scripts';

/** Life of a tag that nobody carried when it was invalidated, in milliseconds. */
const UNCARRIED_TAG_MS = 3_600_000;

type Script = (...args: (string | number | Buffer)[]) => Promise<unknown>;
type ScriptName = 'grant' | 'settle' | 'store' | 'invalidate' | 'heartbeat' | 'removeMember' | 'release';

/** {@link RemoteStore} on Redis 6.2 or newer, Valkey included. Never uses `KEYS`, `SCAN` or `FLUSHDB`. */
export class RedisRemoteStore implements RemoteStore {
  readonly holdsEntries = true;

  constructor(
    private readonly link: RedisLink,
    private readonly names: Names,
  ) {
    const { client } = link;
    client.defineCommand('strataGrant', { lua: scripts.GRANT });
    client.defineCommand('strataSettle', { lua: scripts.SETTLE });
    client.defineCommand('strataStore', { lua: scripts.STORE, numberOfKeys: 1 });
    client.defineCommand('strataInvalidate', { lua: scripts.INVALIDATE });
    client.defineCommand('strataInvalidateAllowOom', { lua: scripts.ALLOW_OOM + scripts.INVALIDATE });
    client.defineCommand('strataHeartbeatAllowOom', { lua: scripts.ALLOW_OOM + scripts.HEARTBEAT, numberOfKeys: 1 });
    client.defineCommand('strataHeartbeat', { lua: scripts.HEARTBEAT, numberOfKeys: 1 });
    client.defineCommand('strataRemoveMember', { lua: scripts.REMOVE_MEMBER, numberOfKeys: 1 });
    client.defineCommand('strataRelease', { lua: scripts.RELEASE, numberOfKeys: 1 });
  }

  get available(): boolean {
    return this.link.available;
  }

  async read(key: string, tags: readonly string[]): Promise<RemoteRead> {
    // One flush to the socket: three commands, one round trip.
    const [bytes, read] = await this.link.send((client) =>
      Promise.all([client.getBuffer(this.names.entry(key)), this.versions(client, tags)]),
    );
    return { bytes: bytes ?? undefined, ...read };
  }

  readTags(tags: readonly string[]): Promise<TagRead> {
    return this.link.send((client) => this.versions(client, tags));
  }

  async grant(request: GrantRequest): Promise<Grant> {
    const { inHead, keys } = this.place(request.tags);
    const [epoch, seq, granted] = (await this.link.send((client) =>
      script(client, 'grant')(
        2 + keys.length,
        this.names.head,
        this.names.lease(request.key),
        ...keys,
        ...this.opening(),
        request.token,
        request.leaseMs,
        request.tagTtlMs,
        request.takeOver ? 1 : 0,
        ...inHead,
      ),
    )) as [string, string, number];
    return { epoch, seq: Number(seq), granted: granted === 1 };
  }

  async fill(request: FillRequest): Promise<boolean> {
    const { inHead, keys } = this.place(request.tags);
    const [, stored] = await this.link.send((client) =>
      Promise.all([
        script(client, 'settle')(
          3 + keys.length,
          this.names.head,
          this.names.recent,
          this.names.lease(request.key),
          ...keys,
          ...this.opening(),
          request.token ?? '',
          request.ttlMs,
          request.born.epoch,
          request.born.seq,
          ...inHead,
        ),
        script(client, 'store')(this.names.entry(request.key), request.bytes, request.ttlMs),
      ]),
    );
    return stored === 1;
  }

  async release(key: string, token: string): Promise<void> {
    await this.link.send((client) => script(client, 'release')(this.names.lease(key), token));
  }

  async invalidate(message: Omit<InvalidationMessage, 'epoch' | 'seq'>): Promise<Invalidated> {
    const { inHead, keys } = this.place(message.tags);
    const [epoch, seq, flat] = (await this.link.send((client) =>
      script(client, 'invalidate', this.link.allowsOom)(
        2 + keys.length,
        this.names.head,
        this.names.recent,
        ...keys,
        ...this.opening(),
        message.mode,
        UNCARRIED_TAG_MS,
        this.names.bus,
        JSON.stringify(message),
        ...inHead,
      ),
    )) as [string, string, string[]];
    const members = new Map<string, string>();
    for (let i = 0; i < flat.length; i += 2) members.set(flat[i]!, flat[i + 1]!);
    return { epoch, seq: Number(seq), members };
  }

  async heartbeat(member: string, beat: number): Promise<{ head: Head; unknownMember: string | undefined }> {
    const [epoch, seq, unknown] = (await this.link.send((client) =>
      script(client, 'heartbeat', this.link.allowsOom)(
        this.names.head,
        ...this.opening(),
        member,
        this.names.member(member),
        beat,
      ),
    )) as [string, string, string | null];
    return { head: { epoch, seq: Number(seq) }, unknownMember: unknown ?? undefined };
  }

  async removeMember(member: string, mark?: string): Promise<void> {
    await this.link.send((client) => script(client, 'removeMember')(this.names.head, member, mark ?? ''));
  }

  private opening(): [run: string, epoch: string] {
    return [this.link.run, randomBytes(8).toString('hex')];
  }

  private async versions(client: Redis, tags: readonly string[]): Promise<TagRead> {
    const { inHead, keys } = this.place(tags);
    const [head, values] = await Promise.all([
      client.hmget(this.names.head, 'epoch', 'run', 'seq', ...inHead),
      keys.length === 0 ? [] : client.mget(keys),
    ]);
    const [epoch, run, seq, ...ofHead] = head;
    // `head` of another run of the server: its versions say nothing about what this run holds.
    if (epoch == null || run !== this.link.run) return { head: undefined, versions: tags.map(() => undefined) };
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
