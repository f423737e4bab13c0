import { Judge, type Violation } from './judge';

/** A finished operation of a recorded history. Times are of one clock: `start` before sending, `end` after receiving. */
export interface Operation {
  readonly kind: 'read' | 'write';
  readonly key: string;
  /** Version written or read; versions of a key grow by one with each write. */
  readonly version: number;
  readonly start: number;
  readonly end: number;
  /** Which process answered. */
  readonly instance: number;
  /** A write that its process could not deliver (C5). */
  readonly deferred?: boolean;
}

/** Judges a recorded history: what the judge would have said had it been there. */
export function check(history: readonly Operation[]): Violation[] {
  let now = 0;
  const judge = new Judge(() => now, [...new Set(history.map(({ key }) => key))]);
  const committed: Record<string, number> = {};
  const floors = new Map<Operation, ReturnType<Judge['readBegins']>>();
  const moments = history.flatMap((operation) => [
    { at: operation.start, operation, begins: true },
    { at: operation.end, operation, begins: false },
  ]);
  for (const { at, operation, begins } of moments.sort((a, b) => a.at - b.at)) {
    const { kind, key, version, instance, deferred = false } = operation;
    now = at;
    committed[key] ??= 0;
    // A write may be seen as soon as it has begun: only then can it be committed.
    if (kind === 'write' && begins) committed[key] = Math.max(committed[key], version);
    else if (kind === 'write') judge.writeEnds(key, version, deferred, instance);
    else if (begins) floors.set(operation, judge.readBegins(instance, [key]));
    else judge.readEnds({ [key]: version }, floors.get(operation)!, `the read at ${operation.start}`, committed);
  }
  return judge.violations;
}
