import { randomBytes } from 'node:crypto';
import { BORN_OFFSET } from '../core/codec';
import { CacheError } from '../core/errors';
import type { Bus, BusListener } from '../core/ports/bus';
import type { Clock } from '../core/ports/clock';
import type { InvalidationMode, LoadWish, RemoteRead, RemoteStore, TagVersion } from '../core/ports/remote-store';

/** How long it is remembered that a key has just been filled, in milliseconds. */
const FILLED_MS = 1_000;

interface Held {
  /** Of the loader; `undefined` for a moment after its fill. */
  readonly token: string | undefined;
  readonly seq: number;
  readonly until: number;
}

/**
 * The shared side of a fleet in one process: what Redis holds and carries, without Redis. Instances of a
 * test share one and can lose it, restart it, or be cut off from its bus.
 */
export class MemoryFleet {
  private epoch = newEpoch();
  private seq = 1;
  private readonly tags = new Map<string, TagVersion>();
  private readonly entries = new Map<string, { bytes: Buffer; until: number }>();
  private readonly leases = new Map<string, Held>();
  private readonly members = new Map<string, string>([['?', this.epoch]]);
  private readonly listeners = new Map<string, BusListener>();
  /** False: every operation rejects, as when the server is away. */
  reachable = true;

  constructor(private readonly clock: Clock) {}

  /** Loses entries, tags, leases and members, as an empty restart does. */
  restartEmpty(): void {
    for (const store of [this.tags, this.entries, this.leases, this.members]) store.clear();
    this.epoch = newEpoch();
    this.seq = 1;
    this.members.set('?', this.epoch);
  }

  /** Loses one tag, as an eviction does. */
  evictTag(tag: string): void {
    this.tags.delete(tag);
  }

  /** Replaces what is stored under `key`; for tests of hostile content. */
  overwrite(key: string, bytes: Buffer): void {
    this.entries.set(key, { bytes, until: Infinity });
  }

  /** A connection of one instance; all share this fleet. */
  remote(): RemoteStore {
    const guarded = async <R>(run: () => R): Promise<R> => {
      if (!this.reachable) throw new CacheError('L2_UNAVAILABLE', 'the memory fleet is not reachable');
      return run();
    };
    const isReachable = (): boolean => this.reachable;
    return {
      holdsEntries: true,
      get available() {
        return isReachable();
      },
      read: (key, tags, _mostBytes, wish, bare = false) => guarded(() => this.read(key, tags, wish, bare)),
      readTags: (tags) => guarded(() => this.versions(tags)),
      grant: (request) => guarded(() => this.grant(request)),
      fill: (request) => guarded(() => this.fill(request)),
      release: (key, token) => guarded(() => this.release(key, token)),
      invalidate: (message) => guarded(() => this.invalidate(message)),
      heartbeat: (member, beat) => guarded(() => this.heartbeat(member, beat)),
      removeMember: (member, mark) =>
        guarded(() => {
          if (mark === undefined || this.members.get(member) === mark) this.members.delete(member);
        }),
    };
  }

  /** The bus of one instance. Messages arrive in a later microtask, in order. */
  bus(): Bus {
    let own = '';
    return {
      start: (member, listener) => {
        own = member;
        this.listeners.set(member, listener);
        queueMicrotask(() => listener.subscribed());
      },
      acknowledge: (origin, id) => this.deliver(origin, (listener) => listener.acknowledged(id, own)),
      reconnect: () => this.deliver(own, (listener) => listener.subscribed()),
      close: async () => void this.listeners.delete(own),
    };
  }

  private deliver(member: string, message: (listener: BusListener) => void): void {
    queueMicrotask(() => {
      const listener = this.listeners.get(member);
      if (listener !== undefined && this.reachable) message(listener);
    });
  }

  private head(): { epoch: string; seq: number } {
    return { epoch: this.epoch, seq: this.seq };
  }

  private versions(tags: readonly string[]) {
    return { head: this.head(), versions: tags.map((tag) => this.tags.get(tag)) };
  }

  private read(key: string, tags: readonly string[], wish: LoadWish | undefined, isBare: boolean): RemoteRead {
    const bytes = this.bytesOf(key);
    const read = { bytes, ...this.versions(isBare ? [] : tags), isBare };
    if (bytes !== undefined || wish === undefined) return read;
    return { ...read, grant: this.grant({ key, tags, ...wish, takeOver: false }) };
  }

  private bytesOf(key: string): Buffer | undefined {
    const entry = this.entries.get(key);
    return entry !== undefined && this.clock.now() < entry.until ? entry.bytes : undefined;
  }

  private grant(request: Parameters<RemoteStore['grant']>[0]) {
    let newest = 0;
    for (const tag of request.tags) {
      const known = this.tags.get(tag);
      if (known === undefined) this.tags.set(tag, { deleted: this.seq, expired: this.seq });
      newest = Math.max(newest, known?.expired ?? this.seq);
    }
    const held = this.leases.get(request.key);
    const taken = held !== undefined && this.clock.now() < held.until && held.seq >= newest;
    if (taken && !request.takeOver) return { ...this.head(), granted: false, filled: held.token === undefined };
    this.leases.set(request.key, { token: request.token, seq: this.seq, until: this.clock.now() + request.leaseMs });
    return { ...this.head(), granted: true };
  }

  private fill(request: Parameters<RemoteStore['fill']>[0]): boolean {
    if (request.born.epoch === this.epoch) {
      for (const tag of request.tags) {
        if (!this.tags.has(tag)) this.tags.set(tag, { deleted: this.seq, expired: this.seq });
      }
    }
    const held = this.leases.get(request.key);
    if (held !== undefined && held.token === request.token) {
      const until = this.clock.now() + Math.min(FILLED_MS, request.ttlMs);
      this.leases.set(request.key, { token: undefined, seq: held.seq, until });
    }
    const old = this.entries.get(request.key)?.bytes;
    if (old !== undefined && isNewer(old, request.bytes)) return false;
    this.entries.set(request.key, { bytes: Buffer.from(request.bytes), until: this.clock.now() + request.ttlMs });
    return true;
  }

  private release(key: string, token: string): void {
    if (this.leases.get(key)?.token === token) this.leases.delete(key);
  }

  private invalidate(message: Parameters<RemoteStore['invalidate']>[0]) {
    this.seq++;
    const known = message.tags.map((tag) => this.tags.get(tag));
    const prior = Math.max(...known.map((version) => version?.expired ?? this.seq));
    for (const tag of message.tags) this.tags.set(tag, raised(this.tags.get(tag), this.seq, message.mode));
    const full = { ...message, ...this.head() };
    for (const member of this.listeners.keys()) this.deliver(member, (listener) => listener.invalidation(full));
    return { ...this.head(), members: new Map(this.members), prior };
  }

  private heartbeat(member: string, beat: number) {
    this.members.set(member, String(beat));
    this.deliver(member, (listener) => listener.echo(beat));
    return { head: this.head(), unknownMember: this.members.get('?'), members: this.members.size };
  }
}

const newEpoch = (): string => randomBytes(8).toString('hex');

function raised(old: TagVersion | undefined, seq: number, mode: InvalidationMode): TagVersion {
  if (old === undefined || mode === 'delete') return { deleted: seq, expired: seq };
  return { deleted: old.deleted, expired: seq };
}

function isNewer(a: Buffer, b: Buffer): boolean {
  const end = BORN_OFFSET + 16;
  const sameEpoch = a.subarray(BORN_OFFSET, BORN_OFFSET + 8).equals(b.subarray(BORN_OFFSET, BORN_OFFSET + 8));
  return sameEpoch && Buffer.compare(a.subarray(BORN_OFFSET + 8, end), b.subarray(BORN_OFFSET + 8, end)) > 0;
}
