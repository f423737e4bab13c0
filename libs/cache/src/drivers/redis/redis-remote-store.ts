import type { Redis } from 'ioredis';
import type { BreakerState } from '../../core/events';
import type {
  FillRequest,
  Grant,
  GrantRequest,
  Heartbeat,
  Invalidated,
  InvalidationMessage,
  LoadWish,
  RemoteRead,
  RemoteStore,
  TagRead,
} from '../../core/ports/remote-store';
import { GivenUp } from './given-up';
import { HeadNode } from './head';
import { Loads } from './loads';
import type { Names } from './names';
import type { RedisNodes } from './nodes';
import { Reads } from './reads';
import { SCRIPTS } from './script';

/** Life of a tag that nobody carried when it was invalidated, in milliseconds. */
const UNCARRIED_TAG_MS = 3_600_000;

/**
 * {@link RemoteStore} on Redis 6.2 or newer (7 for a cluster), Valkey included. Never uses `KEYS`, `SCAN`
 * or `FLUSHDB`.
 */
export class RedisRemoteStore implements RemoteStore {
  readonly holdsEntries = true;
  private readonly head: HeadNode;
  private readonly reads: Reads;
  private readonly loads: Loads;

  constructor(
    private readonly nodes: RedisNodes,
    private readonly names: Names,
  ) {
    this.head = new HeadNode(nodes, names);
    const givenUp = new GivenUp(nodes, this.head);
    this.reads = new Reads(nodes, names, this.head, givenUp);
    this.loads = new Loads(nodes, names, this.head, givenUp);
  }

  get available(): boolean {
    return this.nodes.available;
  }

  onBreakerChange(listener: (state: BreakerState, reason: string) => void): void {
    this.nodes.onChange({ breakerChanged: listener });
  }

  read(key: string, tags: readonly string[], most: number, wish?: LoadWish, bare?: boolean): Promise<RemoteRead> {
    return this.reads.read(key, tags, most, wish, bare);
  }

  readTags(tags: readonly string[]): Promise<TagRead> {
    return this.reads.readTags(tags);
  }

  grant(request: GrantRequest): Promise<Grant> {
    return this.loads.grant(request);
  }

  fill(request: FillRequest): Promise<boolean> {
    return this.loads.fill(request);
  }

  async release(key: string, token: string): Promise<void> {
    const release = (client: Redis): Promise<unknown> => SCRIPTS.release.run(client, [1, this.names.lease(key), token]);
    await this.head.link.send(release, 'coherence');
  }

  async invalidate(message: Omit<InvalidationMessage, 'epoch' | 'seq'>): Promise<Invalidated> {
    const { inHead, keys } = this.head.place(message.tags);
    const [epoch, seq, flat, prior] = (await this.head.run('invalidate', ['coherence'], (opening) => [
      2 + keys.length,
      this.names.head,
      this.names.recent,
      ...keys,
      ...opening,
      message.mode,
      UNCARRIED_TAG_MS,
      this.head.publishCommand,
      this.names.bus,
      JSON.stringify(message),
      ...inHead,
    ])) as [string, string, string[], string];
    const members = new Map<string, string>();
    for (let i = 0; i < flat.length; i += 2) members.set(flat[i]!, flat[i + 1]!);
    return { epoch, seq: Number(seq), members, prior: Number(prior) };
  }

  async heartbeat(member: string, beat: number): Promise<Heartbeat> {
    const [epoch, seq, unknown, members] = (await this.head.run('heartbeat', ['coherence'], (opening) => [
      1,
      this.names.head,
      ...opening,
      member,
      this.head.publishCommand,
      this.names.member(member),
      beat,
    ])) as [string, string, string | null, number];
    return { head: { epoch, seq: Number(seq) }, unknownMember: unknown ?? undefined, members };
  }

  async removeMember(member: string, mark?: string): Promise<void> {
    const remove = (client: Redis): Promise<unknown> =>
      SCRIPTS.removeMember.run(client, [1, this.names.head, member, mark ?? '']);
    await this.head.link.send(remove, 'coherence');
  }
}
