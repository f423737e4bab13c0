import type { HeaderBag } from '../http/cacheability';
import { isForOneReader, setEach, varying, type Outgoing } from './outgoing';

/** A note of what would be written: the cache's own part of an answer, in the order in which it is sent. */
export class RecordedResponse implements Outgoing {
  readonly headers = new Map<string, string>();
  readonly tellsLength = false;
  status = 200;

  get isPrivate(): boolean {
    return isForOneReader(this.headers.get('cache-control'));
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
    setEach(this, headers);
  }

  vary(names: readonly string[]): void {
    if (names.length > 0) this.set('vary', varying(this.headers.get('vary'), names));
  }

  body(bytes: Buffer): unknown {
    return bytes;
  }

  /** It stands for answers on which nobody but the cache has a say. */
  judged(): HeaderBag {
    return {};
  }
}
