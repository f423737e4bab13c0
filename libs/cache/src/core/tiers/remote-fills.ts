import { encodeEntry } from '../codec';
import type { DecodedEntry } from '../entry';
import type { EventHub } from '../events';
import { deadAt } from '../lifetime';
import type { ResolvedCacheOptions } from '../options';
import type { Clock } from '../ports/clock';
import type { RemoteStore } from '../ports/remote-store';
import type { Payload } from '../ports/serializer';
import type { RemoteCounters } from '../stats';
import { settledTags, type LoadPermit } from './load-permit';
import type { RemoteAttempts } from './remote-attempts';

/** What a value is stored in L2 with. */
export interface RemoteTerms {
  readonly permit: LoadPermit;
  /** Longest life in milliseconds. */
  readonly remoteTtl: number;
}

const NOT_STORED = Promise.resolve(false);

/** What one cache puts into L2, and the end of its load leases. */
export class RemoteFills<T> {
  constructor(
    private readonly cache: string,
    private readonly store: RemoteStore,
    private readonly l2: RemoteAttempts,
    private readonly counters: RemoteCounters,
    private readonly options: ResolvedCacheOptions<T>,
    private readonly events: EventHub,
    private readonly clock: Clock,
  ) {}

  /** Stores `entry`, whose encoded value is `payload`, as `storeKey`. Returns whether L2 took it. */
  put(
    storeKey: string,
    key: string,
    entry: DecodedEntry<T>,
    payload: Payload,
    { permit, remoteTtl }: RemoteTerms,
  ): Promise<boolean> {
    if (!this.store.holdsEntries) return NOT_STORED;
    const ttlMs = Math.ceil(Math.min(deadAt(entry) - this.clock.now(), remoteTtl));
    if (ttlMs <= 0 || entry.bytes > this.options.maxEntryBytes) {
      return permit.granted ? this.release(storeKey, permit.token).then(() => false) : NOT_STORED;
    }
    const encoded = encodeEntry(storeKey, entry, payload, this.options.serializer, this.options, this.counters);
    const send = (bytes: Buffer): Promise<boolean> => this.fill(storeKey, key, entry, bytes, ttlMs, permit);
    return encoded instanceof Promise ? encoded.then(send) : send(encoded);
  }

  /** Gives a load lease back. */
  async release(storeKey: string, token: string): Promise<void> {
    await this.l2.attempt('release', () => this.store.release(storeKey, token));
  }

  private fill(
    storeKey: string,
    key: string,
    { born, tags }: DecodedEntry<T>,
    bytes: Buffer,
    ttlMs: number,
    { granted, token, terms }: LoadPermit,
  ): Promise<boolean> {
    const settled = settledTags(tags, terms, this.clock.monotonic() + ttlMs);
    const request = {
      key: storeKey,
      bytes,
      born,
      tags,
      ttlMs,
      token: granted ? token : undefined,
      settled,
      wasAbsent: terms?.wasAbsent === true,
    };
    return this.l2.attemptFor(
      'fill',
      () => this.store.fill(request),
      (stored) => {
        if (stored === true) this.count(key, bytes.length);
        return stored === true;
      },
    );
  }

  private count(key: string, bytes: number): void {
    this.counters.sets++;
    if (this.events.wants('set')) this.events.emit({ name: 'set', cache: this.cache, key, tier: 'L2', bytes });
  }
}
