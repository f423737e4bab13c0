/** Versions in a value: key of the database → version that the load saw. */
export type Seen = Readonly<Record<string, number>>;

/** What a read must not go below, as known when it began. */
export interface Floors {
  readonly startedAt: number;
  readonly anywhere: Seen;
  readonly here: Seen;
}

export interface Violation {
  readonly rule: 'C1' | 'C2' | 'C3' | 'C5' | 'future' | 'stuck' | 'calm';
  readonly at: number;
  readonly what: string;
}

/**
 * Judges operations as they end. A write counts as finished when it returned undeferred; one that was
 * deferred binds only the instance that made it (C5).
 */
export class Judge {
  readonly violations: Violation[] = [];
  reads = 0;
  writes = 0;
  deferred = 0;
  private readonly finished = new Map<string, { at: number; version: number }[]>();
  private readonly deferredAt = new Map<number, Map<string, number>>();

  constructor(
    private readonly now: () => number,
    private readonly keys: readonly string[],
    private readonly maxStaleMs: number,
  ) {}

  /** @param incarnation number of the process that is asked; a restarted one is another */
  readBegins(incarnation: number): Floors {
    const own = this.deferredAt.get(incarnation);
    return {
      startedAt: this.now(),
      anywhere: Object.fromEntries(this.keys.map((key) => [key, this.newestBefore(key, this.now() - this.maxStaleMs)])),
      here: Object.fromEntries(this.keys.map((key) => [key, own?.get(key) ?? 0])),
    };
  }

  readEnds(seen: Seen, floors: Floors, committed: Seen, what: string): void {
    this.reads++;
    for (const [key, version] of Object.entries(seen)) {
      const told = `${what} saw ${key}=${version}`;
      const rule = this.maxStaleMs > 0 ? 'C3' : 'C1';
      if (version < floors.anywhere[key]!)
        this.blame(rule, `${told}, but ${floors.anywhere[key]} was finished at ${floors.startedAt}`);
      else if (version < floors.here[key]!)
        this.blame('C5', `${told}, but its own deferred write was ${floors.here[key]}`);
      if (version > committed[key]!) this.blame('future', `${told}, but only ${committed[key]} is committed`);
    }
  }

  writeEnds(key: string, version: number, deferred: boolean, incarnation: number): void {
    this.writes++;
    if (deferred) {
      this.deferred++;
      const own = this.deferredAt.get(incarnation) ?? new Map<string, number>();
      own.set(key, Math.max(own.get(key) ?? 0, version));
      this.deferredAt.set(incarnation, own);
      return;
    }
    const list = this.finished.get(key) ?? [];
    this.finished.set(key, list);
    if ((list.at(-1)?.version ?? 0) < version) list.push({ at: this.now(), version });
  }

  blame(rule: Violation['rule'], what: string): void {
    this.violations.push({ rule, at: this.now(), what });
  }

  private newestBefore(key: string, at: number): number {
    const list = this.finished.get(key) ?? [];
    for (let i = list.length - 1; i >= 0; i--) if (list[i]!.at < at) return list[i]!.version;
    return 0;
  }
}
