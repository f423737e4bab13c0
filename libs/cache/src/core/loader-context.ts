import type { Entry } from './entry';
import type { CacheError } from './errors';
import type { Loading } from './loading';
import type { EntryOptions } from './options';

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

/** What most loaders ask little of: each part is made when it is taken, also by destructuring. */
export class Context<T> implements LoaderContext<T> {
  private controller: AbortController | undefined;
  private reason: CacheError | undefined;

  constructor(
    private readonly loading: Loading<T>,
    private readonly kept: Entry<T> | undefined,
  ) {}

  get signal(): AbortSignal {
    this.controller ??= new AbortController();
    if (this.reason !== undefined) this.controller.abort(this.reason);
    return this.controller.signal;
  }

  get stale(): T | undefined {
    return this.kept === undefined ? undefined : this.loading.copyOf(this.kept.value);
  }

  get validator(): string | undefined {
    return this.kept === undefined || this.kept.validator === '' ? undefined : this.kept.validator;
  }

  get setValidator() {
    return (validator: string): void => this.loading.setValidator(validator);
  }

  get notModified() {
    return (): T => this.loading.keep(this.kept);
  }

  get addTags() {
    return (...tags: string[]): void => this.loading.addTags(tags);
  }

  get setOptions() {
    return (options: EntryOptions): void => this.loading.setOptions(options);
  }

  get doNotStore() {
    return (): void => this.loading.doNotStore();
  }

  abort(reason: CacheError): void {
    this.reason = reason;
    this.controller?.abort(reason);
  }
}
