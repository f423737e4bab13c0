import { AsyncResource } from 'node:async_hooks';
import { followsFromPlace, OF_PLACE } from './coherence/tags';
import { NO_TAGS, protocolTags } from './keys';
import type { Lifetime } from './lifetime';
import { PROCESS_START } from './ports/clock';
import type { Head } from './ports/remote-store';
import { sharedTerms, type Terms } from './terms';

/** An entry as it travels: without the bookkeeping of L1. */
export interface DecodedEntry<T = unknown> extends Lifetime {
  readonly value: T;
  /** Version at which the load of this value was allowed to start. */
  readonly born: Head;
  /** Every tag the value depends on, those of its key, its cache and the namespace included. */
  readonly tags: readonly string[];
  /** A cached "nothing". */
  readonly negative: boolean;
  /** Bytes of the stored form, before compression. */
  readonly bytes: number;
  /** What the loader's source calls this state of the value (an ETag, a revision); `''` = nothing. */
  readonly validator: string;
  /** True where it is known that the first tags are those that follow from its place; else that is looked at. */
  readonly follows?: boolean;
}

/** What an entry is told when it enters this instance. */
export interface LocalFacts {
  /** `seq` up to which nothing speaks against it: of the last check in L2, or that of its birth. */
  readonly proven: number;
  /** Generation of the subscription under which it is stored. */
  readonly generation: number;
  /** L2 says that it was expired on purpose: it may stand in for an error, and for nothing else. */
  readonly isExpired?: boolean;
}

/** Whose value it is. */
export interface Place {
  readonly cache: string;
  readonly key: string;
}

/** What few entries have: a validator, or refreshes that have failed in a row and the pause after them. */
interface Rare {
  readonly validator: string;
  until: number;
  failures: number;
}

const FIRST_PAUSE_MS = 1_000;
const LONGEST_PAUSE_MS = 16_000;
const nobody = new AsyncResource('StrataEntry', { requireManualDestroy: true });
/** The largest number of 32 bits: V8 keeps it in a field without a box of its own. */
const UNBOUNDED = 0x7fff_ffff;

/**
 * A value in a tier, with everything that decides whether it may be served.
 *
 * There are as many of these as L1 has entries, and a hit reads one: so times are kept as numbers of 32 bits, which
 * need no box in V8, and the tags that follow from the place are made again when somebody asks for them.
 */
export class Entry<T = unknown> implements DecodedEntry<T> {
  // Declared only: a field that is first undefined and then a number is a box for V8. What a hit reads is together.
  /** Counted from the start of the process: 32 bits reach 24 days to both sides. */
  declare private readonly created: number;
  declare private readonly ttl: number;
  declare private localTtl: number;
  /** Change counter of the tag table at the last check that found nothing newer. */
  declare checkedAt: number;
  declare readonly value: T;
  declare private readonly terms: Terms;
  /** Neighbours in the order of use, and the bytes it is accounted for: of the store that holds it. */
  declare older: Entry | undefined;
  declare newer: Entry | undefined;
  declare weight: number;
  declare readonly proven: number;
  declare readonly born: Head;
  declare readonly key: string;
  /** Those of {@link tags} that do not follow from key and cache: what users have declared. */
  declare readonly furtherTags: readonly string[];
  declare readonly bytes: number;
  declare private rare: Rare | undefined;
  /** The value for whoever waits, made by the first who did: see {@link promised}. */
  declare promise: Promise<T> | undefined;

  constructor(
    from: DecodedEntry<T>,
    tags: readonly string[],
    { proven, generation, isExpired = false }: LocalFacts,
    place: Place,
  ) {
    const { createdAt, freshUntil, revalidateUntil, errorUntil } = from;
    // Looked at even where it is known: a text that was put together keeps its parts until somebody looks into it, and a
    // key is kept for as long as the entry.
    const follows = followsFromPlace(tags, place.cache, place.key) || from.follows === true;
    this.created = compact(createdAt - PROCESS_START);
    this.ttl = compact(freshUntil - createdAt);
    this.localTtl = UNBOUNDED;
    this.checkedAt = -1;
    this.value = from.value;
    this.terms = sharedTerms(
      place,
      follows,
      generation,
      from.negative,
      isExpired,
      compact(revalidateUntil - freshUntil),
      compact(errorUntil - freshUntil),
    );
    this.older = undefined;
    this.newer = undefined;
    this.weight = 0;
    this.proven = proven;
    this.born = from.born;
    this.key = place.key;
    this.furtherTags = !follows ? tags : tags.length === OF_PLACE ? NO_TAGS : tags.slice(OF_PLACE);
    this.bytes = from.bytes;
    this.rare = from.validator === '' ? undefined : { validator: from.validator, until: 0, failures: 0 };
    this.promise = undefined;
  }

  get validator(): string {
    return this.rare?.validator ?? '';
  }

  /** The same for all who wait for the value. Made in nobody's asynchronous context: Node keeps that with a promise. */
  promised(): Promise<T> {
    return (this.promise ??= nobody.runInAsyncScope(() => Promise.resolve(this.value)));
  }

  /** Generation of the subscription under which it was stored. */
  get generation(): number {
    return this.terms.generation;
  }

  get negative(): boolean {
    return this.terms.negative;
  }

  get isExpired(): boolean {
    return this.terms.isExpired;
  }

  /** The version that it rests on: where the fleet stood when it was last checked in L2, or when its load began. */
  get basis(): Head {
    const { born, proven } = this;
    return born.seq === proven ? born : { epoch: born.epoch, seq: proven };
  }

  /** Made anew for each caller; see {@link furtherTags}. */
  get tags(): readonly string[] {
    const { key, furtherTags } = this;
    const { cache } = this.terms;
    return cache === undefined ? furtherTags : protocolTags(cache, key, furtherTags);
  }

  /** Whether it depends on all these, which users have declared. */
  carries(declared: readonly string[]): boolean {
    const { furtherTags } = this;
    for (const tag of declared) if (!furtherTags.includes(tag)) return false;
    return true;
  }

  get createdAt(): number {
    return this.created + PROCESS_START;
  }

  get freshUntil(): number {
    return this.createdAt + this.ttl;
  }

  get revalidateUntil(): number {
    return this.freshUntil + this.terms.staleWhileRevalidate;
  }

  get errorUntil(): number {
    return this.freshUntil + this.terms.staleIfError;
  }

  /** Wall time after which L2 is asked again although the entry is fresh (`localTtl`). */
  get localUntil(): number {
    return this.localTtl === UNBOUNDED ? Infinity : this.createdAt + this.localTtl;
  }

  /** From wall time `now` on, for so many milliseconds. */
  keepLocally(now: number, localTtl: number): void {
    this.localTtl = localTtl === Infinity ? UNBOUNDED : compact(now - this.createdAt + localTtl);
  }

  /** True while neither ttl is over. */
  isFreshAt(now: number): boolean {
    const age = now - PROCESS_START - this.created;
    return age < this.ttl && (age < this.localTtl || this.localTtl === UNBOUNDED);
  }

  /** No refresh before this wall time, after one has failed. */
  get retryAfter(): number {
    return this.rare?.until ?? 0;
  }

  /** Back-off after a failed refresh: 1 s, doubled by each further failure, at most 16 s. */
  postponeRefresh(now: number): void {
    const rare = (this.rare ??= { validator: '', until: 0, failures: 0 });
    // One failure may be reported by the refresh and by the load inside it: it counts once.
    if (now < rare.until) return;
    rare.until = now + Math.min(FIRST_PAUSE_MS * 2 ** rare.failures, LONGEST_PAUSE_MS);
    rare.failures++;
  }

  /** The same, as an object of its own that is in no store; what it is made of is shared. */
  copy(): Entry<T> {
    const { cache = '' } = this.terms;
    const copied = Object.assign(new Entry<T>(this, this.tags, this, { cache, key: this.key }), this);
    copied.older = undefined;
    copied.newer = undefined;
    return copied;
  }
}

/** The same number; where it is a whole one of 32 bits, as one that needs no box. */
function compact(duration: number): number {
  const small = duration | 0;
  return small === duration ? small : duration;
}

let last: Head = { epoch: '', seq: -1 };

/** One object for all entries that were born at the same version, one text for all of the same epoch. */
export function sharedHead(epoch: string, seq: number): Head {
  if (last.seq !== seq || last.epoch !== epoch) last = { epoch: last.epoch === epoch ? last.epoch : epoch, seq };
  return last;
}
