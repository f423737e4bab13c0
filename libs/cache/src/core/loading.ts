import { MAX_VALIDATOR_LENGTH } from './codec';
import { userTag } from './coherence/tags';
import type { Entry } from './entry';
import { CacheError } from './errors';
import { contextOf, type Loader } from './loader-context';
import {
  resolveEntryOptions,
  type EntryOptions,
  type ResolvedCacheOptions,
  type ResolvedEntryOptions,
} from './options';
import type { Clock } from './ports/clock';
import type { Head } from './ports/remote-store';
import { NOT_STORABLE, seal, type LoadedValue } from './sealing';

/** Version of values loaded while L2 is away: older than anything, so that no tier takes them. */
const NO_VERSION: Head = { epoch: '', seq: -1 };

/** One run of a loader: timeout, options, tags, and the private copy that the tiers keep. */
export class Loading<T> {
  /** Learnt from what was loaded, or from the stale value that is kept. */
  private learnt: Set<string> | undefined;
  private overrides: EntryOptions | undefined;
  private declined = false;
  private validator = '';
  private kept: Entry<T> | undefined;

  constructor(
    private readonly loader: Loader<T>,
    private readonly declared: readonly string[],
    private readonly entryOptions: ResolvedEntryOptions,
    private readonly options: ResolvedCacheOptions<T>,
    private readonly clock: Clock,
    private readonly onStepAside?: () => void,
  ) {}

  private get tags(): readonly string[] {
    return this.learnt === undefined ? this.declared : [...new Set([...this.declared, ...this.learnt])];
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

  /** Never throws: whatever fails rejects. */
  run(born: Head | undefined, stale: Entry<T> | undefined): Promise<LoadedValue<T>> {
    // As `await` does: a promise with a `then` of its own is waited for as the promise that it is.
    return Promise.prototype.then.call(this.call(stale), (loaded) => this.sealed(loaded as T, born)) as Promise<
      LoadedValue<T>
    >;
  }

  private sealed(loaded: T, born: Head | undefined): LoadedValue<T> {
    const value = this.kept === undefined ? loaded : this.kept.value;
    const { tags } = this;
    if (value === undefined) return { value, tags, declined: this.declined, ...NOT_STORABLE };
    const what = {
      declined: this.declined,
      notModified: this.kept !== undefined,
      born: born ?? NO_VERSION,
      tags,
      validator: this.validator,
    };
    const options = resolveEntryOptions(this.overrides, this.entryOptions);
    return seal(value, what, options, this.options, this.clock);
  }

  private call(stale: Entry<T> | undefined): Promise<T> {
    const { context, abort } = contextOf(this, stale);
    let load: T | Promise<T>;
    try {
      load = this.loader(context);
    } catch (error) {
      return Promise.reject(error);
    }
    const limit = this.entryOptions.hardTimeout;
    return limit === 0 ? Promise.resolve(load) : this.within(limit, load, abort);
  }

  private within(limit: number, load: T | Promise<T>, abort: (reason: CacheError) => void): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      const timer = this.clock.after(limit, () => {
        const error = new CacheError('LOAD_TIMEOUT', `the load took longer than hardTimeout (${limit} ms)`);
        abort(error);
        reject(error);
      });
      Promise.resolve(load)
        .then(resolve, reject)
        .finally(() => timer.cancel());
    });
  }

  /** A copy of its own for the loader, where it could change the value. */
  copyOf(value: T): T {
    return this.options.serializer.copy?.(value) ?? value;
  }

  addTags(tags: readonly string[]): void {
    for (const tag of tags) this.learn(userTag(tag));
  }

  private learn(tag: string): void {
    (this.learnt ??= new Set()).add(tag);
  }

  setOptions(options: EntryOptions): void {
    this.overrides = { ...this.overrides, ...options };
  }

  setValidator(validator: string): void {
    this.validator = assertValidator(validator);
  }

  doNotStore(): void {
    this.declined = true;
  }

  keep(stale: Entry<T> | undefined): T {
    if (stale === undefined) throw new CacheError('NOTHING_STALE', 'notModified() needs a stale value; see `stale`');
    this.kept = stale;
    for (const tag of stale.tags) this.learn(tag);
    if (this.validator === '') this.validator = stale.validator;
    return stale.value;
  }
}

function assertValidator(validator: string): string {
  if (validator.length <= MAX_VALIDATOR_LENGTH && validator.isWellFormed()) return validator;
  throw new CacheError(
    'ENTRY_REFUSED',
    `a validator is well-formed and has at most ${MAX_VALIDATOR_LENGTH} characters`,
  );
}
