/** A finished operation of a history. Times are of one clock: `start` before sending, `end` after receiving. */
export interface Operation {
  readonly kind: 'read' | 'write';
  readonly key: string;
  /** Version written or read; versions of a key grow by one with each write. */
  readonly version: number;
  readonly start: number;
  readonly end: number;
  /** Which instance answered. */
  readonly instance: number;
}

/** A read that broke the contract, and the write it should have seen. */
export interface Violation {
  readonly read: Operation;
  readonly floor: number;
  readonly reason: 'stale' | 'future';
}

/**
 * Checks a history against C1: a read that starts after write n has returned never yields a version
 * below n, on any instance; and no read yields a version that nobody had begun to write. O(n log n):
 * versions are totally ordered, so the newest finished write before a read decides.
 */
export function check(history: readonly Operation[]): Violation[] {
  const writes = history.filter((operation) => operation.kind === 'write');
  const byEnd = [...writes].sort((a, b) => a.end - b.end);
  const reads = history.filter((operation) => operation.kind === 'read').sort((a, b) => a.start - b.start);
  const begun = new Map<string, { start: number; version: number }[]>();
  for (const { key, start, version } of writes) {
    if (!begun.has(key)) begun.set(key, []);
    begun.get(key)!.push({ start, version });
  }
  const floor = new Map<string, number>();
  const violations: Violation[] = [];
  let next = 0;
  for (const read of reads) {
    for (; next < byEnd.length && byEnd[next]!.end < read.start; next++) {
      const { key, version } = byEnd[next]!;
      floor.set(key, Math.max(floor.get(key) ?? 0, version));
    }
    const newest = floor.get(read.key) ?? 0;
    if (read.version < newest) violations.push({ read, floor: newest, reason: 'stale' });
    else if (read.version > newest && !wasBegun(begun.get(read.key), read)) {
      violations.push({ read, floor: newest, reason: 'future' });
    }
  }
  return violations;
}

function wasBegun(writes: readonly { start: number; version: number }[] | undefined, read: Operation): boolean {
  return writes?.some(({ version, start }) => version === read.version && start < read.end) ?? false;
}
