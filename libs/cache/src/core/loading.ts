import type { Clock } from './ports/clock';
import type { Head } from './ports/remote-store';
import { MAX_TAGS, MAX_VALIDATOR_LENGTH } from './codec';
import { userTag } from './coherence/tags';
import { lifetime, type DecodedEntry, type Entry } from './entry';
import { CacheError } from './errors';
import {
  resolveEntryOptions,
  type EntryOptions,
  type ResolvedCacheOptions,
  type ResolvedEntryOptions,
} from './options';

/** What a loader is told and may decide. */
export interface LoaderContext<T> {
  /** Aborted when the load passes `hardTimeout`. */
  readonly signal: AbortSignal;
  /** The stale value that a successful load will replace, if there is one. */
  readonly stale: T | undefined;
  /** What an earlier load called the state of {@link stale} by {@link setValidator}. */
  readonly validator: string | undefined;
  /** Names the state of what is loaded (an ETag, a revision, a timestamp), for the load after this one. */
  setValidator(validator: string): void;
  /**
   * "It has not changed": to be returned by the loader. {@link stale} begins a new life, with its tags and
   * its validator, as if it had been loaded again.
   *
   * @throws CacheError `NOTHING_STALE` when there is no stale value
   */
  notModified(): T;
  /** Adds tags learnt from what was loaded. */
  addTags(...tags: string[]): void;
  /** Overrides the options of this entry, for example the ttl. */
  setOptions(options: EntryOptions): void;
  /** The value goes to the callers and into no tier. */
  doNotStore(): void;
}

/** The user's function that produces the value. Its own errors reach the callers unchanged. */
export type Loader<T> = (context: LoaderContext<T>) => T | Promise<T>;

/** Why a tier cannot take a value: more bytes, more tags, or more names and elements than are allowed. */
export type Refusal = 'size' | 'tags' | 'values';

/** A loaded value in the form the tiers take. */
export interface LoadedValue<T> {
  readonly value: T | undefined;
  readonly storable: boolean;
  /** Tags the value depends on, those learnt while loading included. */
  readonly tags: readonly string[];
  /** The loader declined to store: the value is for its own caller alone. */
  readonly declined: boolean;
  readonly entry: DecodedEntry<T>;
  readonly payload: Buffer;
  /** Longest life in each tier, in milliseconds from now. */
  readonly localTtl: number;
  readonly remoteTtl: number;
  /** True when the loader kept the stale value. */
  readonly notModified: boolean;
  /** Set when a bound keeps the value out of L2 (`values`) or out of both tiers. */
  readonly refusal: Refusal | undefined;
}

/** Version of values loaded while L2 is away: older than anything, so that no tier takes them. */
const NO_VERSION: Head = { epoch: '', seq: -1 };
const NOT_STORABLE = {
  storable: false,
  entry: undefined as never,
  payload: undefined as never,
  localTtl: 0,
  remoteTtl: 0,
  notModified: false,
  refusal: undefined,
};

/** One run of a loader: timeout, options, tags, and the private copy that the tiers keep. */
export class Loading<T> {
  private readonly tags: Set<string>;
  private overrides: EntryOptions | undefined;
  private declined = false;
  private validator = '';
  private kept: Entry<T> | undefined;

  constructor(
    private readonly loader: Loader<T>,
    tags: readonly string[],
    private readonly entryOptions: ResolvedEntryOptions,
    private readonly options: ResolvedCacheOptions<T>,
    private readonly clock: Clock,
    private readonly onStepAside?: () => void,
  ) {
    this.tags = new Set(tags);
  }

  /** See {@link EntryOptions.softTimeout}; in milliseconds. */
  get softTimeout(): number {
    return this.entryOptions.softTimeout;
  }

  /** See {@link EntryOptions.localTtl}; in milliseconds. */
  get localTtl(): number {
    return this.entryOptions.localTtl;
  }

  /** This read waits for somebody else's load. Only a batch cares: it goes on without the key. */
  stepAside(): void {
    this.onStepAside?.();
  }

  async run(born: Head | undefined, stale: Entry<T> | undefined): Promise<LoadedValue<T>> {
    const loaded = await this.call(stale);
    const value = this.kept === undefined ? loaded : this.kept.value;
    if (value === undefined) return { value, tags: [...this.tags], declined: this.declined, ...NOT_STORABLE };
    const what = { declined: this.declined, born: born ?? NO_VERSION, tags: [...this.tags], validator: this.validator };
    const options = resolveEntryOptions(this.overrides, this.entryOptions);
    const sealed = seal(value, what, options, this.options, this.clock);
    return { ...sealed, notModified: this.kept !== undefined };
  }

  private async call(stale: Entry<T> | undefined): Promise<T> {
    const abort = new AbortController();
    const load = Promise.resolve(this.loader(this.context(stale, abort.signal)));
    const limit = this.entryOptions.hardTimeout;
    if (limit === 0) return load;
    return new Promise<T>((resolve, reject) => {
      const timer = this.clock.after(limit, () => {
        const error = new CacheError('LOAD_TIMEOUT', `the load took longer than hardTimeout (${limit} ms)`);
        abort.abort(error);
        reject(error);
      });
      load.then(resolve, reject).finally(() => timer.cancel());
    });
  }

  private context(stale: Entry<T> | undefined, signal: AbortSignal): LoaderContext<T> {
    const copyOf = (value: T): T => this.options.serializer.copy?.(value) ?? value;
    return {
      signal,
      stale: stale === undefined ? undefined : copyOf(stale.value),
      validator: stale === undefined || stale.validator === '' ? undefined : stale.validator,
      setValidator: (validator) => (this.validator = assertValidator(validator)),
      notModified: () => this.keep(stale),
      addTags: (...tags) => tags.forEach((tag) => this.tags.add(userTag(tag))),
      setOptions: (options) => (this.overrides = { ...this.overrides, ...options }),
      doNotStore: () => (this.declined = true),
    };
  }

  private keep(stale: Entry<T> | undefined): T {
    if (stale === undefined) throw new CacheError('NOTHING_STALE', 'notModified() needs a stale value; see `stale`');
    this.kept = stale;
    for (const tag of stale.tags) this.tags.add(tag);
    if (this.validator === '') this.validator = stale.validator;
    return stale.value;
  }
}

/** What a value is stored with, besides its options. */
export interface SealedWith {
  /** The loader declined to store. */
  readonly declined: boolean;
  readonly born: Head;
  readonly tags: readonly string[];
  readonly validator: string;
}

/**
 * Makes the private copy of a value: what the tiers and the callers get is decoded from the encoded
 * bytes, so nothing handed in stays shared with the cache.
 */
export function seal<T>(
  value: T,
  { declined, born, tags, validator }: SealedWith,
  options: ResolvedEntryOptions,
  cache: ResolvedCacheOptions<T>,
  clock: Clock,
): LoadedValue<T> {
  const payload = cache.serializer.encode(value);
  const copy = cache.serializer.decode(payload);
  const negative = cache.isNegative(copy);
  const ttl = jittered(negative ? options.negativeTtl : options.ttl, options.ttlJitter);
  const refusal = refusalOf(payload, tags, cache);
  if (declined || ttl <= 0 || refusal === 'size' || refusal === 'tags')
    return { value: copy, tags, declined, ...NOT_STORABLE, refusal };
  const life = lifetime(clock.now(), {
    ttl,
    // A "nothing" is cheap to ask for again and wrong as soon as something exists: never stale.
    staleWhileRevalidate: negative ? 0 : options.staleWhileRevalidate,
    staleIfError: negative ? 0 : options.staleIfError,
  });
  return {
    value: copy,
    storable: true,
    tags,
    declined: false,
    entry: { ...life, value: copy, born, tags, negative, validator, bytes: payload.length },
    payload,
    localTtl: options.localTtl,
    // Decoding it would hold the event loop of every instance that reads it.
    remoteTtl: refusal === 'values' ? 0 : options.remoteTtl,
    notModified: false,
    refusal,
  };
}

function refusalOf<T>(payload: Buffer, tags: readonly string[], cache: ResolvedCacheOptions<T>): Refusal | undefined {
  const { serializer, maxEntryBytes, maxEntryValues } = cache;
  if (tags.length > MAX_TAGS) return 'tags';
  if (payload.length > maxEntryBytes) return 'size';
  return (serializer.countValues?.(payload, maxEntryValues) ?? 0) > maxEntryValues ? 'values' : undefined;
}

function assertValidator(validator: string): string {
  if (validator.length <= MAX_VALIDATOR_LENGTH && validator.isWellFormed()) return validator;
  throw new CacheError(
    'ENTRY_REFUSED',
    `a validator is well-formed and has at most ${MAX_VALIDATOR_LENGTH} characters`,
  );
}

function jittered(ttl: number, jitter: number): number {
  return jitter === 0 ? ttl : ttl * (1 + jitter * (2 * Math.random() - 1));
}
