import { hasDirective, type HeaderBag } from '../http/cacheability';

/** What an answer of the cache is written to: the response of a framework, or a note of what would be written. */
export interface Outgoing {
  /** The status that the handler leaves, or that was set since. */
  status: number;
  /** True when the answer says itself that it is for one reader, or for nobody to keep. */
  readonly isPrivate: boolean;
  /** It is answered from an entry with this status from now on. */
  answered(status: number): void;
  has(name: string): boolean;
  set(name: string, value: string): void;
  /** What a header of the answer says; several `Vary` of several layers add up. */
  setAll(headers: Readonly<Record<string, string>>): void;
  /** Adds to what a `Vary` set before says. */
  vary(names: readonly string[]): void;
  /** True where the framework tells the length of what it is handed, though it sends none of it (`HEAD`). */
  readonly tellsLength: boolean;
  /** What has to be handed on so that these bytes are sent. */
  body(bytes: Buffer, type: string): unknown;
  /** What speaks for or against keeping the answer, whoever set it, but for what the cache wrote. */
  judged(): HeaderBag;
}

/** True for a `Cache-Control` that keeps an answer to one reader, or from everybody who could keep it. */
export function isForOneReader(control: HeaderBag[string]): boolean {
  return hasDirective(control, 'private') || hasDirective(control, 'no-store');
}

/** {@link Outgoing.setAll} by the other two. */
export function setEach(outgoing: Pick<Outgoing, 'set' | 'vary'>, headers: Readonly<Record<string, string>>): void {
  for (const [name, value] of Object.entries(headers)) {
    if (name === 'vary') outgoing.vary(listOf(value));
    else outgoing.set(name, value);
  }
}

/** Names in a `Vary` value, in lower case. */
export function listOf(value: HeaderBag[string]): string[] {
  const names = String(value ?? '').split(',');
  return names.map((name) => name.trim().toLowerCase()).filter((name) => name !== '');
}

/** `Vary` with further names; each once. */
export function varying(before: HeaderBag[string], names: readonly string[]): string {
  if (before === undefined && names.length === 1) return names[0]!;
  return [...new Set([...listOf(before), ...names])].join(', ');
}
