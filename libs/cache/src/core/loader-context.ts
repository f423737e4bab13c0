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

/** The signal of one load, made when it is first asked for. */
class Abortion {
  private controller: AbortController | undefined;
  private reason: CacheError | undefined;

  get signal(): AbortSignal {
    this.controller ??= new AbortController();
    if (this.reason !== undefined) this.controller.abort(this.reason);
    return this.controller.signal;
  }

  abort(reason: CacheError): void {
    this.reason = reason;
    this.controller?.abort(reason);
  }
}

const ABORTION = Symbol('abortion');

/** One for all: an object whose getter is a function of its own is one of a kind for V8, and costs a microsecond. */
const SIGNAL: PropertyDescriptor & ThisType<{ readonly [ABORTION]: Abortion }> = {
  enumerable: true,
  get() {
    return this[ABORTION].signal;
  },
};

/**
 * What a loader is given. Signal and copy are made when they are first taken, which most loaders never do; all are
 * properties of its own, so that it can be taken apart and put together with others.
 */
export function contextOf<T>(
  loading: Loading<T>,
  kept: Entry<T> | undefined,
): { readonly context: LoaderContext<T>; readonly abort: (reason: CacheError) => void } {
  const abortion = new Abortion();
  const context = {
    [ABORTION]: abortion,
    stale: undefined as T | undefined,
    validator: kept === undefined || kept.validator === '' ? undefined : kept.validator,
    setValidator: (validator: string) => loading.setValidator(validator),
    notModified: () => loading.keep(kept),
    addTags: (...tags: string[]) => loading.addTags(tags),
    setOptions: (options: EntryOptions) => loading.setOptions(options),
    doNotStore: () => loading.doNotStore(),
  };
  Object.defineProperty(context, 'signal', SIGNAL);
  if (kept !== undefined) defineStale(context, () => loading.copyOf(kept.value));
  return { context: context as unknown as LoaderContext<T>, abort: (reason) => abortion.abort(reason) };
}

function defineStale<T>(context: object, copyOf: () => T): void {
  let copy: T | undefined;
  Object.defineProperty(context, 'stale', { enumerable: true, get: () => (copy ??= copyOf()) });
}
