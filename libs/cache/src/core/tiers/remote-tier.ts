import { randomUUID } from 'node:crypto';
import type { Clock } from '../ports/clock';
import type { Head, RemoteRead, RemoteStore, TagRead, TagVersion } from '../ports/remote-store';
import { decodeEntry, encodeEntry, maxStoredBytes, UnreadableEntry } from '../codec';
import type { CoherenceState } from '../coherence/coherence-state';
import { judge, type Verdict } from '../coherence/tag-table';
import { deadAt, freshness, localFacts, type DecodedEntry, type Entry } from '../entry';
import type { EventHub, MissReason } from '../events';
import type { ResolvedCacheOptions } from '../options';
import type { RemoteCounters } from '../stats';
import { RemoteAttempts } from './remote-attempts';
import { RemoteMarks } from './remote-marks';

/** What L2 says of a key. */
export type RemoteLookup<T> =
  | { readonly kind: 'fresh' | 'revalidate'; readonly entry: Entry<T> }
  | { readonly kind: 'miss'; readonly reason: MissReason; readonly fallback: Entry<T> | undefined }
  | { readonly kind: 'unavailable' };

/** Permission to load: the version the load may claim, and the load lease if it was granted. */
export interface LoadPermit {
  readonly born: Head;
  readonly granted: boolean;
  /** Not granted because somebody has filled the key a moment ago. */
  readonly filled?: boolean;
  readonly token: string;
}

/**
 * L2: a shared store, the wire format, and the rule of validity against the versions the store holds.
 * Reads never throw: what cannot be reached, decoded or proved valid is a miss and an event.
 */
export class RemoteTier<T> {
  readonly marks: RemoteMarks;
  private readonly l2: RemoteAttempts;

  constructor(
    private readonly cache: string,
    private readonly store: RemoteStore,
    private readonly state: CoherenceState,
    private readonly counters: RemoteCounters,
    private readonly options: ResolvedCacheOptions<T>,
    private readonly events: EventHub,
    private readonly clock: Clock,
  ) {
    this.l2 = new RemoteAttempts(cache, store, counters, events, clock);
    this.marks = new RemoteMarks(store, state, this.l2);
  }

  /** Longest wait for one other loader, in milliseconds. */
  get loadLease(): number {
    return this.options.loadLease;
  }

  get available(): boolean {
    return this.store.available;
  }

  /** Reads `key` for a reader that declares `tags` (those of the key included). */
  async lookup(key: string, tags: readonly string[]): Promise<RemoteLookup<T>> {
    const found = await this.find(key, tags);
    if (found.kind === 'unavailable' || !this.store.holdsEntries) return found;
    if (found.kind === 'miss') {
      this.counters.misses++;
      const { reason } = found;
      if (this.events.wants('miss')) this.events.emit({ name: 'miss', cache: this.cache, key, tier: 'L2', reason });
      return found;
    }
    this.counters.hits++;
    const { negative } = found.entry;
    if (this.events.wants('hit')) this.events.emit({ name: 'hit', cache: this.cache, key, tier: 'L2', negative });
    return found;
  }

  /** {@link lookup} that counts nothing. */
  async find(key: string, tags: readonly string[]): Promise<RemoteLookup<T>> {
    if (!this.store.holdsEntries) return { kind: 'miss', reason: 'absent', fallback: undefined };
    const generation = this.state.generation;
    const storeKey = this.storeKey(key);
    const read = await this.l2.attempt('read', () => this.store.read(storeKey, tags, maxStoredBytes(this.options)));
    if (read === undefined) return { kind: 'unavailable' };
    // Learnt when it arrives, not after decoding: by then a newer epoch may have begun.
    if (read.head !== undefined) this.state.learnEpoch(read.head.epoch);
    const decoded = read.bytes === undefined ? undefined : await this.decode(storeKey, read.bytes);
    if (decoded === undefined) return missed(read.bytes === undefined ? 'absent' : 'unreadable');
    const checked = await this.verdict(decoded, tags, read);
    if (checked === undefined) return { kind: 'unavailable' };
    const { head } = checked;
    // What was heard since may have been waiting here when the read began: then its reader must not see less (C5).
    const verdict = head === undefined ? 'deleted' : worseOf(checked.verdict, this.state.verdict(decoded.tags, head));
    if (verdict === 'deleted' || head === undefined) return missed('invalidated');
    const entry: Entry<T> = {
      ...decoded,
      tags: union(decoded.tags, tags),
      ...localFacts({ proven: head.seq, generation, localUntil: Infinity }),
    };
    const age = freshness(entry, this.clock.now());
    if (age === 'dead') return missed('expired');
    if (verdict === 'expired') return missed('invalidated', entry);
    if (age === 'error-only') return missed('expired', entry);
    return { kind: age, entry };
  }

  /** Asks for the version a load may claim. `undefined` when L2 is unavailable: the value stays out of L2. */
  async permit(key: string, tags: readonly string[], takeOver: boolean): Promise<LoadPermit | undefined> {
    const token = randomUUID();
    const grant = await this.l2.attempt('grant', () =>
      this.store.grant({
        key: this.storeKey(key),
        tags,
        token,
        leaseMs: this.options.loadLease,
        tagTtlMs: this.longestLife(),
        takeOver,
      }),
    );
    if (grant === undefined) return undefined;
    this.state.learnEpoch(grant.epoch);
    return {
      born: { epoch: grant.epoch, seq: grant.seq },
      granted: grant.granted,
      filled: grant.filled ?? false,
      token,
    };
  }

  /** Where the fleet stands before a write of `key` begins; see {@link RemoteMarks.mark}. */
  mark(key: string, tags: readonly string[]): Promise<Head | undefined> {
    return this.marks.mark(this.storeKey(key), tags, this.longestLife());
  }

  /** Stores `entry`, whose encoded value is `payload`. Returns whether L2 took it. */
  async put(
    key: string,
    entry: DecodedEntry<T>,
    payload: Buffer,
    { token, remoteTtl }: { token: string | undefined; remoteTtl: number },
  ): Promise<boolean> {
    if (!this.store.holdsEntries) return false;
    const ttlMs = Math.ceil(Math.min(deadAt(entry) - this.clock.now(), remoteTtl));
    if (ttlMs <= 0 || payload.length > this.options.maxEntryBytes) {
      if (token !== undefined) await this.release(key, token);
      return false;
    }
    const storeKey = this.storeKey(key);
    const bytes = await encodeEntry(storeKey, entry, payload, this.options.serializer, this.options, this.counters);
    const stored = await this.l2.attempt('fill', () =>
      this.store.fill({ key: storeKey, bytes, born: entry.born, tags: entry.tags, ttlMs, token }),
    );
    if (stored !== true) return false;
    this.counters.sets++;
    if (this.events.wants('set'))
      this.events.emit({ name: 'set', cache: this.cache, key, tier: 'L2', bytes: bytes.length });
    return true;
  }

  async release(key: string, token: string): Promise<void> {
    await this.l2.attempt('release', () => this.store.release(this.storeKey(key), token));
  }

  /** Name of `key` in the store: cache names have no colon, so two caches never share one. */
  private storeKey(key: string): string {
    return `${this.cache}:${key}`;
  }

  /** Life that a tag created by this cache needs, so that it outlives every entry carrying it. */
  private longestLife(): number {
    const { ttl, ttlJitter, staleWhileRevalidate, staleIfError, negativeTtl, loadLease } = this.options;
    const fresh = Math.max(ttl, negativeTtl) * (1 + ttlJitter);
    return Math.ceil(fresh + Math.max(staleWhileRevalidate, staleIfError) + loadLease);
  }

  /** Checks the entry's own tags too; those the reader did not declare cost a second round trip. */
  private async verdict(
    entry: DecodedEntry<T>,
    declared: readonly string[],
    read: RemoteRead,
  ): Promise<{ verdict: Verdict; head: Head | undefined } | undefined> {
    const first = this.judgeAll(entry, declared, read, read.versions);
    if (first !== 'valid') return { verdict: first, head: read.head };
    const further = entry.tags.filter((tag) => !declared.includes(tag));
    if (further.length === 0) return { verdict: 'valid', head: read.head };
    const { own } = read;
    const second =
      own === undefined
        ? await this.l2.attempt('read', () => this.store.readTags(further))
        : { head: read.head, versions: further.map((tag) => own.get(tag)) };
    if (second === undefined) return undefined;
    // `proven` is the older head: the declared tags were only checked against that one.
    const verdict = this.judgeAll(entry, further, second, second.versions);
    return { verdict: second.head?.epoch === read.head?.epoch ? verdict : 'deleted', head: read.head };
  }

  private judgeAll(
    entry: DecodedEntry<T>,
    tags: readonly string[],
    read: TagRead,
    versions: readonly (TagVersion | undefined)[],
  ): Verdict {
    const epoch = read.head?.epoch;
    if (epoch === undefined || epoch !== entry.born.epoch || epoch !== this.state.epoch) return 'deleted';
    if (this.state.hasUndelivered(tags)) return 'deleted';
    let worst: Verdict = 'valid';
    for (const version of versions) {
      // A tag that L2 does not know may have been invalidated and forgotten: unknown means invalid.
      const verdict = version === undefined ? 'deleted' : judge(version, entry.born.seq);
      if (verdict === 'deleted') return verdict;
      if (verdict === 'expired') worst = verdict;
    }
    return worst;
  }

  private async decode(storeKey: string, bytes: Buffer): Promise<DecodedEntry<T> | undefined> {
    try {
      return await decodeEntry(storeKey, bytes, this.options.serializer, this.options);
    } catch (error) {
      if (!(error instanceof UnreadableEntry)) throw error;
      this.l2.failed('decode', error.message);
      return undefined;
    }
  }
}

const missed = <T>(reason: MissReason, fallback?: Entry<T>): RemoteLookup<T> => ({ kind: 'miss', reason, fallback });

function worseOf(a: Verdict, b: Verdict): Verdict {
  if (a === 'deleted' || b === 'deleted') return 'deleted';
  return a === 'expired' ? a : b;
}

function union(a: readonly string[], b: readonly string[]): readonly string[] {
  const further = b.filter((tag) => !a.includes(tag));
  return further.length === 0 ? a : [...a, ...further];
}
