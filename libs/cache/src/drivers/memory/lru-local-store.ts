import type { Entry } from '../../core/entry';
import { deadAt } from '../../core/lifetime';
import type { Clock } from '../../core/ports/clock';
import type { EvictionReason, LocalStore, LocalStoreBounds, LocalStoreListener } from '../../core/ports/local-store';
import { ExpiryQueue } from './expiry-queue';
import { RecencyList } from './recency-list';

/** What has had to go. */
interface Gone {
  readonly entry: Entry;
  readonly reason: EvictionReason;
}

const NONE: readonly Gone[] = [];

/**
 * L1: an LRU bounded by entries and by bytes, where an expired entry goes before a live one, even one that was read
 * last. An entry is in one store at a time.
 */
export class LruLocalStore implements LocalStore {
  private readonly entries = new Map<string, Entry>();
  private readonly order = new RecencyList();
  private readonly expiries: ExpiryQueue;
  private weight = 0;

  constructor(
    readonly bounds: Readonly<LocalStoreBounds>,
    private readonly listener: LocalStoreListener,
    private readonly clock: Clock,
  ) {
    this.expiries = new ExpiryQueue(
      (key) => this.entries.get(key),
      () => this.entries.size,
    );
  }

  get size(): number {
    return this.entries.size;
  }

  get bytes(): number {
    return this.weight;
  }

  get(key: string): Entry | undefined {
    const entry = this.entries.get(key);
    if (entry !== undefined) this.order.touch(entry);
    return entry;
  }

  peek(key: string): Entry | undefined {
    return this.entries.get(key);
  }

  set(key: string, entry: Entry, weight: number): boolean {
    const size = Math.max(1, Math.ceil(weight));
    const old = this.entries.get(key);
    // Its place in the map is kept for the new one.
    if (old !== undefined) this.unlink(old);
    if (size > this.bounds.maxBytes) {
      this.entries.delete(key);
      return false;
    }
    const gone = this.makeRoom(key, old === undefined ? 1 : 0, size);
    this.entries.set(key, entry);
    entry.weight = size;
    this.weight += size;
    this.order.add(entry);
    this.expiries.push(deadAt(entry), key);
    // Told at the end: who listens may read and write here.
    for (const one of gone) this.listener.evicted(one.entry.key, one.entry, one.reason);
    return true;
  }

  grow(entry: Entry, bytes: number): boolean {
    if (this.entries.get(entry.key) !== entry || entry.weight + bytes > this.bounds.maxBytes) return false;
    // Else it could be the one that goes.
    this.order.touch(entry);
    entry.weight += bytes;
    this.weight += bytes;
    for (const one of this.makeRoom('', 0, 0)) this.listener.evicted(one.entry.key, one.entry, one.reason);
    return true;
  }

  delete(key: string): boolean {
    const entry = this.entries.get(key);
    if (entry === undefined) return false;
    this.unlink(entry);
    return this.entries.delete(key);
  }

  clear(): void {
    this.entries.clear();
    this.order.clear();
    this.expiries.clear();
    this.weight = 0;
  }

  private unlink(entry: Entry): void {
    this.order.remove(entry);
    this.weight -= entry.weight;
  }

  /** Drops dead entries, earliest first, then the least recently used, as long as room is short for `key`. */
  private makeRoom(key: string, grows: number, size: number): readonly Gone[] {
    const isFull = (): boolean =>
      this.entries.size + grows > this.bounds.maxEntries || this.weight + size > this.bounds.maxBytes;
    if (!isFull()) return NONE;
    const gone: Gone[] = [];
    while (isFull()) {
      const dead = this.expiries.popDead(this.clock.now());
      if (dead === undefined) break;
      // What `key` had is being replaced, and counts no more.
      if (dead.key !== key) gone.push(this.evict(dead.entry, 'expired'));
    }
    while (isFull()) {
      const entry = this.order.leastRecent;
      if (entry === undefined) break;
      gone.push(this.evict(entry, 'size'));
    }
    return gone;
  }

  private evict(entry: Entry, reason: EvictionReason): Gone {
    this.unlink(entry);
    this.entries.delete(entry.key);
    return { entry, reason };
  }
}
