import type { HeaderBag } from '../../http/cacheability';
import { hasDirective } from '../../http/cacheability';
import { varying, type Outgoing } from '../outgoing';

/** A note of what would be written: the cache's own part of an answer, in the order in which it is sent. */
export class RecordedResponse implements Outgoing {
  readonly headers = new Map<string, string>();
  status = 200;

  get isPrivate(): boolean {
    const control = this.headers.get('cache-control');
    return hasDirective(control, 'private') || hasDirective(control, 'no-store');
  }

  answered(status: number): void {
    this.status = status;
  }

  has(name: string): boolean {
    return this.headers.has(name);
  }

  set(name: string, value: string): void {
    this.headers.set(name, value);
  }

  setAll(headers: Readonly<Record<string, string>>): void {
    for (const [name, value] of Object.entries(headers)) {
      if (name === 'vary') this.vary(value.split(',').map((part) => part.trim().toLowerCase()));
      else this.set(name, value);
    }
  }

  vary(names: readonly string[]): void {
    if (names.length > 0) this.set('vary', varying(this.headers.get('vary'), names));
  }

  body(bytes: Buffer): unknown {
    return bytes;
  }

  /** The lane is for answers on which nobody but the cache has a say. */
  judged(): HeaderBag {
    return {};
  }
}
