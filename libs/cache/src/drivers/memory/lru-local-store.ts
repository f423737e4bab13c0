import { LRUCache } from 'lru-cache';
import { deadAt, type Entry } from '../../core/entry';
import type { Clock } from '../../core/ports/clock';
import type { LocalStore, LocalStoreBounds, LocalStoreListener } from '../../core/ports/local-store';
import { ExpiryQueue } from './expiry-queue';

/**
 * L1 on `lru-cache`: bounded by entries and by bytes. Recency is the library's; that an expired entry
 * goes before a live one is ours, because an LRU keeps what was read last even when it is dead.
 */
export class LruLocalStore implements LocalStore {
  private readonly entries: LRUCache<string, Entry>;
  private readonly expiries: ExpiryQueue;
  /** One for all look-ups: else the library makes one each time, the largest thing that a hit leaves behind. */
  private reading: { status: undefined } = { status: undefined };

  constructor(
    readonly bounds: Readonly<LocalStoreBounds>,
    private readonly listener: LocalStoreListener,
    private readonly clock: Clock,
  ) {
    this.entries = new LRUCache<string, Entry>({
      max: bounds.maxEntries,
      maxSize: bounds.maxBytes,
      dispose: (entry, key, reason) => {
        if (reason === 'evict') listener.evicted(key, entry, 'size');
      },
    });
    this.expiries = new ExpiryQueue(
      (key) => this.entries.peek(key),
      () => this.entries.size,
    );
  }

  get size(): number {
    return this.entries.size;
  }

  get bytes(): number {
    return this.entries.calculatedSize;
  }

  get(key: string): Entry | undefined {
    // A channel of diagnostics that somebody listens to has left its note here: each look-up has one of its own.
    if (this.reading.status !== undefined) this.reading = { status: undefined };
    return this.entries.get(key, this.reading);
  }

  peek(key: string): Entry | undefined {
    return this.entries.peek(key);
  }

  set(key: string, entry: Entry, weight: number): boolean {
    const size = Math.max(1, Math.ceil(weight));
    if (size > this.bounds.maxBytes) {
      this.entries.delete(key);
      return false;
    }
    this.makeRoom(key, size);
    this.entries.set(key, entry, { size });
    this.expiries.push(deadAt(entry), key);
    return true;
  }

  delete(key: string): boolean {
    return this.entries.delete(key);
  }

  clear(): void {
    this.entries.clear();
    this.expiries.clear();
  }

  /** Before a live entry has to go, drops the dead ones, earliest first, as long as room is short. */
  private makeRoom(key: string, size: number): void {
    const old = this.entries.peek(key);
    const grows = old === undefined ? 1 : 0;
    const isFull = (): boolean =>
      this.entries.size + grows > this.bounds.maxEntries || this.entries.calculatedSize + size > this.bounds.maxBytes;
    while (isFull()) {
      const dead = this.expiries.popDead(this.clock.now());
      if (dead === undefined) return;
      this.entries.delete(dead.key);
      this.listener.evicted(dead.key, dead.entry, 'expired');
    }
  }
}
