/** Loads many keys at once. Keys left out of the answer are absent; `null` is a cached "nothing". */
export type ManyLoader<T> = (
  keys: readonly string[],
) => ReadonlyMap<string, T | undefined> | Promise<ReadonlyMap<string, T | undefined>>;

interface Waiting<T> {
  readonly key: string;
  readonly resolve: (value: T) => void;
  readonly reject: (error: unknown) => void;
}

/**
 * Gathers the keys of one batch that turn out to need a load, and runs the loader once for them: as soon
 * as every key of the batch has either asked for its value or stepped aside (found in a tier, loaded by
 * somebody else). A key that comes later, because the load it waited for was of no use to it, is loaded
 * with whatever else comes late in the same turn.
 */
export class BatchLoad<T> {
  private readonly undecided: Set<string>;
  private waiting: Waiting<T>[] = [];
  private scheduled = false;

  constructor(
    keys: readonly string[],
    private readonly loader: ManyLoader<T>,
  ) {
    this.undecided = new Set(keys);
  }

  /** The value of `key`, from a loader run that it shares with the others. */
  load(key: string): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      this.waiting.push({ key, resolve, reject });
      this.decide(key);
    });
  }

  /** The batch need not wait for `key`: it is not, or not yet, its business. */
  stepAside(key: string): void {
    if (this.undecided.has(key)) this.decide(key);
  }

  private decide(key: string): void {
    this.undecided.delete(key);
    if (this.undecided.size > 0 || this.waiting.length === 0 || this.scheduled) return;
    this.scheduled = true;
    queueMicrotask(() => void this.run());
  }

  private async run(): Promise<void> {
    const batch = this.waiting;
    this.waiting = [];
    this.scheduled = false;
    try {
      const values = await this.loader(batch.map(({ key }) => key));
      for (const { key, resolve } of batch) resolve(values.get(key) as T);
    } catch (error) {
      for (const { reject } of batch) reject(error);
    }
  }
}
