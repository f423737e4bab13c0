import type {
  FillRequest,
  Grant,
  GrantRequest,
  Head,
  Invalidated,
  InvalidationMessage,
  RemoteRead,
  TagVersion,
} from '@strata/cache/core';
import { livesInHead } from '@strata/cache/core';
import { copyOf, empty, raised, type Data } from './sim-data';

/** Rules of the scripts that a test may switch off, to see the judge find what breaks. */
export interface ServerRules {
  readonly runIgnored?: boolean;
  readonly lostMembersIgnored?: boolean;
  readonly missingTagTakesBorn?: boolean;
  /** The writer chooses the version when it sends, and the last write to arrive wins. */
  readonly lastWriterWins?: boolean;
}

/** What a connection adds to every script: the run id it was told, and an epoch in case one is needed. */
export interface Opening {
  readonly run: string;
  readonly epoch: string;
  /** Where the counter stood when the command was sent; only a wrong rule looks at it. */
  readonly sentAtSeq: number;
}

/** What one look at `head` tells. */
export interface HeadRead {
  readonly head: Head;
  readonly versions: ReadonlyMap<string, TagVersion | undefined>;
}

/** Who hears what is published. */
export interface Publisher {
  toAll(message: InvalidationMessage): void;
  echo(member: string, beat: number): void;
}

const FILLED_MS = 1_000;

/**
 * What Redis does, script by script as in `drivers/redis/scripts/`, on data that can be lost in part, in
 * whole, or exchanged for an older state. Load leases are apart from tags here: in Redis an invalidation of the key, and an
 * eviction of its tag, end one earlier, which costs a load and nothing else.
 */
export class SimServer {
  run = 'run-0';
  private data: Data = empty();
  private saved: Data = empty();
  private readonly recentSize: number;

  constructor(
    private readonly now: () => number,
    private readonly publisher: Publisher,
    private readonly rules: ServerRules = {},
    recentSize = 1_000,
  ) {
    this.recentSize = recentSize;
  }

  /** `GET` of an entry. */
  bytesOf(key: string): Buffer | undefined {
    const entry = this.data.entries.get(key);
    return entry !== undefined && this.now() < entry.until ? entry.bytes : undefined;
  }

  /** `HMGET` of head: where it stands, and the versions of the tags that live in it. */
  readHead(tags: readonly string[], run: string): HeadRead | undefined {
    const { head } = this.data;
    if (head === undefined || (head.run !== run && !this.rules.runIgnored)) return undefined;
    const versions = new Map(tags.filter(livesInHead).map((tag) => [tag, head.tags.get(tag)]));
    return { head: { epoch: head.epoch, seq: head.seq }, versions };
  }

  /** `MGET` of the other tags, put together with what the other commands have read before. */
  readTags(tags: readonly string[], bytes: Buffer | undefined, read: HeadRead | undefined): RemoteRead {
    if (read === undefined) return { bytes, head: undefined, versions: tags.map(() => undefined) };
    const { head, versions } = read;
    const versionOf = (tag: string): TagVersion | undefined =>
      livesInHead(tag) ? versions.get(tag) : this.versionIn(head.epoch, tag);
    return { bytes, head, versions: tags.map(versionOf) };
  }

  grant(request: GrantRequest, opening: Opening): Grant {
    const { epoch, seq } = this.open(opening);
    let newest = 0;
    for (const tag of request.tags) {
      const known = this.version(tag);
      if (known === undefined) this.put(tag, { deleted: seq, expired: seq });
      newest = Math.max(newest, known?.expired ?? seq);
    }
    const held = this.data.leases.get(request.key);
    if (
      held !== undefined &&
      !request.takeOver &&
      this.now() < held.until &&
      held.epoch === epoch &&
      held.seq >= newest
    ) {
      return { epoch, seq, granted: false, filled: held.token === undefined };
    }
    this.data.leases.set(request.key, { token: request.token, epoch, seq, until: this.now() + request.leaseMs });
    return { epoch, seq, granted: true };
  }

  /** SETTLE: tags that the load has learnt, and the end of the load lease. */
  settle(request: FillRequest, opening: Opening): void {
    const { epoch, seq } = this.open(opening);
    const recent = this.openRecent();
    const { born } = request;
    for (const tag of epoch === born.epoch ? request.tags.slice(request.settled) : []) {
      if (this.version(tag) !== undefined) continue;
      const recorded = recent.last.get(tag) ?? recent.floor;
      let version = recent.floor <= born.seq ? recorded : seq;
      if (this.rules.missingTagTakesBorn) version = born.seq;
      this.put(tag, { deleted: version, expired: version });
    }
    const held = this.data.leases.get(request.key);
    if (held !== undefined && request.token !== undefined && held.token === request.token) {
      const until = this.now() + Math.min(FILLED_MS, request.ttlMs);
      this.data.leases.set(request.key, { ...held, token: undefined, until });
    }
  }

  /** STORE: the bytes, unless newer ones are there. */
  store({ key, bytes, born, ttlMs }: FillRequest): boolean {
    const old = this.data.entries.get(key);
    if (old !== undefined && old.epoch === born.epoch && old.seq > born.seq) return false;
    this.data.entries.set(key, { bytes, epoch: born.epoch, seq: born.seq, until: this.now() + ttlMs });
    return true;
  }

  release(key: string, token: string): void {
    if (this.data.leases.get(key)?.token === token) this.data.leases.delete(key);
  }

  invalidate(message: Omit<InvalidationMessage, 'epoch' | 'seq'>, opening: Opening): Invalidated {
    const head = this.open(opening);
    const recent = this.openRecent();
    head.seq++;
    const seq = this.rules.lastWriterWins ? opening.sentAtSeq + 1 : head.seq;
    const prior = Math.max(...message.tags.map((tag) => this.version(tag)?.expired ?? seq));
    for (const tag of message.tags) {
      const old = this.rules.lastWriterWins ? undefined : this.version(tag);
      this.put(tag, raised(old, seq, message.mode));
      this.record(recent, tag, seq);
    }
    this.publisher.toAll({ ...message, epoch: head.epoch, seq });
    return { epoch: head.epoch, seq, members: new Map(head.members), prior };
  }

  heartbeat(member: string, beat: number, opening: Opening) {
    const { epoch, seq, members } = this.open(opening);
    members.set(member, String(beat));
    this.publisher.echo(member, beat);
    return { head: { epoch, seq }, unknownMember: members.get('?'), members: members.size };
  }

  removeMember(member: string, mark: string | undefined): void {
    const members = this.data.head?.members;
    if (members !== undefined && (mark === undefined || members.get(member) === mark)) members.delete(member);
  }

  get seq(): number {
    return this.data.head?.seq ?? 0;
  }

  /** Remembers the present state, as a snapshot on disk does. */
  save(): void {
    this.saved = copyOf(this.data);
  }

  /** @param entriesStay they are at another node, which goes on */
  restart(state: 'empty' | 'saved' | 'whole', run: string, entriesStay: boolean): void {
    const { entries } = this.data;
    if (state === 'empty') this.data = empty();
    if (state === 'saved') this.data = copyOf(this.saved);
    if (entriesStay) this.data = { ...this.data, entries };
    this.run = run;
  }

  evict(what: 'head' | 'recent' | 'tag' | 'entry' | 'lease', pick: <T>(items: readonly T[]) => T): void {
    const { data } = this;
    if (what === 'head') data.head = undefined;
    else if (what === 'recent') data.recent = undefined;
    else {
      const table = { tag: data.tags, entry: data.entries, lease: data.leases }[what];
      if (table.size > 0) table.delete(pick([...table.keys()]));
    }
  }

  /** OPEN_HEAD: a missing head, or one of another run of the server, begins a new epoch. */
  private open({ run, epoch }: Opening): NonNullable<Data['head']> {
    const known = this.data.head;
    if (known !== undefined && (known.run === run || this.rules.runIgnored)) return known;
    const members = new Map(this.rules.lostMembersIgnored ? [] : [['?', epoch]]);
    return (this.data.head = { epoch, run, seq: 1, tags: new Map(), members });
  }

  private openRecent(): NonNullable<Data['recent']> {
    const { epoch, seq } = this.data.head!;
    if (this.data.recent?.epoch === epoch) return this.data.recent;
    return (this.data.recent = { epoch, floor: seq, ring: [], last: new Map() });
  }

  private record(recent: NonNullable<Data['recent']>, tag: string, seq: number): void {
    recent.ring.push({ tag, seq });
    recent.last.set(tag, seq);
    if (recent.ring.length <= this.recentSize) return;
    const old = recent.ring.shift()!;
    recent.floor = Math.max(recent.floor, old.seq);
    if (recent.last.get(old.tag) === old.seq) recent.last.delete(old.tag);
  }

  private version(tag: string): TagVersion | undefined {
    const { head } = this.data;
    if (livesInHead(tag)) return head?.tags.get(tag);
    return head === undefined ? undefined : this.versionIn(head.epoch, tag);
  }

  private versionIn(epoch: string, tag: string): TagVersion | undefined {
    const known = this.data.tags.get(tag);
    if (known === undefined || known.epoch !== epoch) return undefined;
    return { deleted: known.deleted, expired: known.expired };
  }

  private put(tag: string, version: TagVersion): void {
    const head = this.data.head!;
    if (livesInHead(tag)) head.tags.set(tag, version);
    else this.data.tags.set(tag, { ...version, epoch: head.epoch });
  }
}
