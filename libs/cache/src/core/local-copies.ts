import { EVERYTHING } from './coherence/tags';
import type { LocalStore } from './ports/local-store';
import type { InvalidationMode } from './ports/remote-store';

/** The L1 stores of one instance by the names of their caches. */
export class LocalCopies {
  private readonly stores = new Map<string, LocalStore>();

  add(cache: string, store: LocalStore): void {
    this.stores.set(cache, store);
  }

  clear(): void {
    for (const store of this.stores.values()) store.clear();
  }

  /** Frees the memory of single keys at once; entries hit by other tags go when they are next read. */
  drop(tags: readonly string[], mode: InvalidationMode): void {
    if (mode !== 'delete') return;
    for (const tag of tags) {
      if (tag === EVERYTHING) this.clear();
      else if (tag.startsWith('*:')) this.stores.get(tag.slice(2))?.clear();
      else if (tag.startsWith('k:')) {
        const colon = tag.indexOf(':', 2);
        this.stores.get(tag.slice(2, colon))?.delete(tag.slice(colon + 1));
      }
    }
  }
}
