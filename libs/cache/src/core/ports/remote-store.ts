import type { BreakerState } from '../events';

/** Invalidation versions of one tag, both in the current epoch. `deleted` counts for both modes. */
export interface TagVersion {
  readonly deleted: number;
  readonly expired: number;
}

/** How an invalidation treats what it hits: gone, or stale but allowed for `staleIfError`. */
export type InvalidationMode = 'delete' | 'expire';

/** Where the fleet's counter stood. A version of another epoch is unknown, and unknown means invalid. */
export interface Head {
  readonly epoch: string;
  readonly seq: number;
}

/** Tag versions at one moment; `undefined` stands for a tag that L2 does not know. */
export interface TagRead {
  readonly head: Head | undefined;
  readonly versions: readonly (TagVersion | undefined)[];
}

/** Entry bytes and, unless it is bare, tag versions, both asked for after the read began. */
export interface RemoteRead extends TagRead {
  readonly bytes: Buffer | undefined;
  /** Versions of all tags that the entry carries, from a store that looks at them by itself. */
  readonly own?: ReadonlyMap<string, TagVersion>;
  /** No versions beside the bytes, as the reader has asked; perhaps not even where the fleet stands. */
  readonly isBare?: boolean;
  /**
   * What came of a {@link LoadWish}: only where there are no bytes, and not from every store. No versions are told
   * beside it.
   */
  readonly grant?: Grant;
}

/** Answer of {@link RemoteStore.grant}. */
export interface Grant extends Head {
  /** False when another loader holds the load lease of the key. */
  readonly granted: boolean;
  /** Not granted because somebody has filled the key a moment ago: look again before loading. */
  readonly filled?: boolean;
}

/** What {@link RemoteStore.fill} is given. */
export interface FillRequest {
  readonly key: string;
  readonly bytes: Buffer;
  readonly born: Head;
  readonly tags: readonly string[];
  /** Remaining life of the entry in milliseconds. */
  readonly ttlMs: number;
  /** Token of the load lease to release, when one is held. */
  readonly token: string | undefined;
  /**
   * So many of the first {@link tags} are known, and stay for longer than the entry: leave to load was given with them.
   * Nobody has to look at these; a store may. @default 0
   */
  readonly settled?: number;
  /** Nothing was stored under the key when leave to load was given. @default false */
  readonly wasAbsent?: boolean;
}

/** Answer of {@link RemoteStore.invalidate}. */
export interface Invalidated extends Head {
  /** Members that may hold a lease: id → a mark that each heartbeat changes. */
  readonly members: ReadonlyMap<string, string>;
  /** Newest version that any of the tags had before, an unknown one counted as newest of all. Absent: the store cannot tell. */
  readonly prior?: number;
}

/** Answer of {@link RemoteStore.heartbeat}. */
export interface Heartbeat {
  readonly head: Head;
  /** Mark of the unknown member `?`, if present. */
  readonly unknownMember: string | undefined;
  /** How many members may hold a lease. */
  readonly members: number;
}

/** An invalidation as it travels on the bus. */
export interface InvalidationMessage extends Head {
  readonly id: string;
  readonly origin: string;
  readonly mode: InvalidationMode;
  readonly tags: readonly string[];
}

/**
 * Port of the store that instances share: entries, and the versions that decide whether they are valid.
 *
 * Each method is atomic with respect to versions. Every method rejects with a `CacheError` of code
 * `L2_UNAVAILABLE` when the store cannot be reached or answers too late; nothing is ever replayed later.
 */
export interface RemoteStore {
  /** False while an attempt would fail at once (disconnected, breaker open). */
  readonly available: boolean;
  /** Tells `listener` of every transition of the circuit breaker, or breakers, in front of the store. */
  onBreakerChange?(listener: (state: BreakerState, reason: string) => void): void;
  /** Most tags of one {@link invalidate}; a longer list comes as several. @default 500 */
  readonly tagsPerInvalidation?: number;
  /** False for a driver that keeps versions in the process and no entries: there is no L2 to ask. */
  readonly holdsEntries: boolean;
  /**
   * @param mostBytes an entry that is larger need not be read to its end: it is refused. Only who can write to
   *   the store by other means makes one
   * @param wish asks for leave to load, as {@link grant} does, where no entry is found. A store may leave that out
   * @param bare the reader judges an entry by what it has heard, and has no use for versions beside it. A store may
   *   tell them all the same
   */
  read(key: string, tags: readonly string[], mostBytes: number, wish?: LoadWish, bare?: boolean): Promise<RemoteRead>;
  readTags(tags: readonly string[]): Promise<TagRead>;
  /**
   * Returns the version at which a load may start, creates missing `tags` with it, keeps all of them for `tagTtlMs` at
   * least and takes the load lease of `key` for `token`; with `takeOver` also from another holder.
   */
  grant(request: GrantRequest): Promise<Grant>;
  /** Stores unless a newer fill is there; creates missing tags, prolongs their life (but for settled ones), ends the lease. */
  fill(request: FillRequest): Promise<boolean>;
  /** Gives the load lease back, if `token` still owns it. */
  release(key: string, token: string): Promise<void>;
  /** Raises the version of every tag, publishes on the bus and returns who has to acknowledge. */
  invalidate(message: Omit<InvalidationMessage, 'epoch' | 'seq'>): Promise<Invalidated>;
  /** Records the member, then publishes its echo. */
  heartbeat(member: string, beat: number): Promise<Heartbeat>;
  /** Removes a member unless its mark has changed; without `mark`, always. */
  removeMember(member: string, mark?: string): Promise<void>;
}

/** What a loader asks leave with. */
export interface LoadWish {
  readonly token: string;
  readonly leaseMs: number;
  readonly tagTtlMs: number;
}

/** What {@link RemoteStore.grant} is given. */
export interface GrantRequest extends LoadWish {
  readonly key: string;
  readonly tags: readonly string[];
  readonly takeOver: boolean;
}
