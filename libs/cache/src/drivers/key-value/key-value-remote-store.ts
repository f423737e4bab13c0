import { randomBytes } from 'node:crypto';
import { boundedName } from '../../core/bounded-name';
import type { BreakerState } from '../../core/events';
import { systemClock, type Clock } from '../../core/ports/clock';
import type {
  FillRequest,
  Grant,
  GrantRequest,
  Head,
  Heartbeat,
  Invalidated,
  InvalidationMessage,
  RemoteRead,
  RemoteStore,
  TagRead,
  TagVersion,
} from '../../core/ports/remote-store';
import { GuardedStore, type GuardOptions } from './guarded-store';
import type { KeyValueStore } from './key-value-store';
import { formatRecord, parseRecord } from './record';

/** Marks of tags as they were at one moment: equal marks mean that nobody has invalidated since. */
interface Snapshot {
  readonly marks: Map<string, string>;
  /** Mark of the last invalidation of anything. */
  readonly any: string;
}

const EPOCH = '0000000000000000';
const VALID: TagVersion = { deleted: 0, expired: 0 };
const INVALID: TagVersion = { deleted: Number.MAX_SAFE_INTEGER, expired: Number.MAX_SAFE_INTEGER };
/** Shortest life of a mark. One that ends early costs misses; it can never make anything valid. */
const MARK_MS = 86_400_000;
/** Loads under way that are remembered. */
const MAX_LOADS = 10_000;
/** Invalidations that a `set` may still rest on: its store follows at once. */
const MAX_WRITES = 100;

/**
 * {@link RemoteStore} on anything that can keep a text under a name, without one atomic step.
 *
 * A tag has a random mark; an invalidation gives it a new one. An entry carries the marks that its tags
 * had before its load began, and is valid while they are equal. There is no clock in it and no counter
 * that two instances would have to agree on. What is lost against the Redis driver is said in
 * `docs/concepts/other-stores.md`: one load per instance instead of one per fleet, copies in the L1 of
 * other instances that live for their `localTtl`, and `expire` that deletes.
 */
export class KeyValueRemoteStore implements RemoteStore {
  readonly holdsEntries = true;
  /** No bus whose messages must stay small; and one list is one snapshot. */
  readonly tagsPerInvalidation = Infinity;
  private readonly store: GuardedStore;
  /** Marks at the start of loads under way, by their token; and those that invalidations have set. */
  private readonly loads = new Map<string, Snapshot>();
  private readonly writes = new Map<number, Snapshot>();
  /** Looks for a tag's mark under way. */
  private readonly asked = new Map<string, Promise<string>>();
  /** Orders what happens in this process: its own invalidations, and the reads between them. */
  private seq = 0;

  constructor(
    store: KeyValueStore,
    private readonly options: GuardOptions & { readonly namespace?: string } = {},
    clock: Clock = systemClock,
  ) {
    this.store = new GuardedStore(store, options, clock);
  }

  get available(): boolean {
    return this.store.available;
  }

  onBreakerChange(listener: (state: BreakerState, reason: string) => void): void {
    this.store.onBreakerChange(listener);
  }

  async read(key: string, tags: readonly string[]): Promise<RemoteRead> {
    // Taken before anything is asked: an invalidation of this process meanwhile has a higher number.
    const head = this.head();
    const [text, marks] = await Promise.all([this.store.get(this.name('entry', key)), this.marksOf(tags)]);
    const record = text === undefined ? undefined : parseRecord(text);
    if (record === undefined) return { bytes: undefined, head, versions: tags.map(() => undefined) };
    const further = [...record.marks.keys()].filter((tag) => !marks.has(tag));
    for (const [tag, mark] of await this.marksOf(further)) marks.set(tag, mark);
    const version = (tag: string): TagVersion => {
      const mark = marks.get(tag);
      return mark !== undefined && mark === record.marks.get(tag) ? VALID : INVALID;
    };
    const own = new Map([...record.marks.keys()].map((tag) => [tag, version(tag)]));
    return { bytes: record.bytes, head, versions: tags.map(version), own };
  }

  async readTags(tags: readonly string[]): Promise<TagRead> {
    // A mark alone proves nothing: it is compared with the entry's, which `read` does.
    return { head: this.head(), versions: tags.map(() => undefined) };
  }

  async grant(request: GrantRequest): Promise<Grant> {
    const head = this.head();
    const [marks, any] = await Promise.all([this.marksOrNew(request.tags), this.anyMark()]);
    remember(this.loads, request.token, { marks, any }, MAX_LOADS);
    return { ...head, granted: true };
  }

  async fill(request: FillRequest): Promise<boolean> {
    const before = request.token === undefined ? this.writes.get(request.born.seq) : this.loads.get(request.token);
    if (request.token !== undefined) this.loads.delete(request.token);
    if (before === undefined) return false;
    const learnt = request.tags.filter((tag) => !before.marks.has(tag));
    const marks = new Map([...before.marks, ...(await this.marksOrNew(learnt))]);
    // A tag that was not known when the load began may have been invalidated during it. Its mark is read
    // first and `any` afterwards, in the opposite order of an invalidation: if the mark is new, so is `any`.
    if (learnt.length > 0 && (await this.anyMark()) !== before.any) return false;
    const carried = new Map(request.tags.map((tag) => [tag, marks.get(tag)!]));
    await this.store.set(this.name('entry', request.key), formatRecord(carried, request.bytes), request.ttlMs);
    return true;
  }

  async release(_key: string, token: string): Promise<void> {
    this.loads.delete(token);
  }

  async invalidate(message: Omit<InvalidationMessage, 'epoch' | 'seq'>): Promise<Invalidated> {
    const marks = new Map(message.tags.map((tag) => [tag, newMark()]));
    const any = newMark();
    await this.store.set(this.name('any', ''), any, MARK_MS);
    await Promise.all([...marks].map(([tag, value]) => this.store.set(this.name('tag', tag), value, MARK_MS)));
    this.seq++;
    remember(this.writes, this.seq, { marks, any }, MAX_WRITES);
    return { ...this.head(), members: new Map() };
  }

  async heartbeat(): Promise<Heartbeat> {
    return { head: this.head(), unknownMember: undefined, members: 1 };
  }

  async removeMember(): Promise<void> {
    // There are no members: nobody acknowledges.
  }

  private head(): Head {
    return { epoch: EPOCH, seq: this.seq };
  }

  private name(kind: 'entry' | 'tag' | 'any', name: string): string {
    return `${this.options.namespace ?? 'strata'}:${kind}:${boundedName(name)}`;
  }

  private async marksOf(tags: readonly string[]): Promise<Map<string, string>> {
    const found = await Promise.all(tags.map((tag) => this.store.get(this.name('tag', tag))));
    return new Map(tags.flatMap((tag, i) => (found[i] === undefined ? [] : [[tag, found[i]] as const])));
  }

  /** {@link marksOf}; an unknown tag gets a mark that no entry can have. */
  private async marksOrNew(tags: readonly string[]): Promise<Map<string, string>> {
    const marks = await Promise.all(tags.map((tag) => this.markOrNew(tag)));
    return new Map(tags.map((tag, i) => [tag, marks[i]!]));
  }

  /** One look for all who ask at a time: each with a mark of its own would make the others' entries invalid. */
  private markOrNew(tag: string): Promise<string> {
    const asked = this.asked.get(tag);
    if (asked !== undefined) return asked;
    const asking = this.findOrMake(this.name('tag', tag)).finally(() => this.asked.delete(tag));
    this.asked.set(tag, asking);
    return asking;
  }

  private async findOrMake(name: string): Promise<string> {
    const found = await this.store.get(name);
    if (found !== undefined) return found;
    const value = newMark();
    await this.store.set(name, value, MARK_MS);
    return value;
  }

  private anyMark(): Promise<string> {
    return this.findOrMake(this.name('any', ''));
  }
}

/** Text that begins with a brace: see {@link keyValueStore}. */
const newMark = (): string => `{"m":"${randomBytes(12).toString('base64url')}"}`;

/** Bounded: what falls out costs its load the place in L2. */
function remember<K>(table: Map<K, Snapshot>, key: K, snapshot: Snapshot, most: number): void {
  table.set(key, snapshot);
  if (table.size > most) table.delete(table.keys().next().value!);
}
