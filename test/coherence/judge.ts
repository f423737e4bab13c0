/** Versions in a value: key of the database → version that the load saw. */
export type Seen = Readonly<Record<string, number>>;

/** What a read must not go below, as known when it began. */
export interface Floors {
  readonly startedAt: number;
  readonly anywhere: Seen;
  /** Newest finished `maxStaleMs` before: what must be seen even of L1 without Redis (C3). */
  readonly whenCutOff: Seen;
  /** Newest that a read had returned by then. */
  readonly seen: Seen;
  /** Newest that this process itself had written and could not deliver. */
  readonly here: Seen;
}

export interface Violation {
  readonly rule: 'C1' | 'C2' | 'C3' | 'C5' | 'future' | 'stuck' | 'calm';
  readonly at: number;
  readonly what: string;
}

/**
 * Judges operations as they end, by the versions that the database gave them. A write counts as finished when
 * it returned undeferred; one that was deferred binds only the process that made it (C5). Versions are
 * totally ordered, so the newest write finished before a read began decides: near-linear in all.
 */
export class Judge {
  readonly violations: Violation[] = [];
  reads = 0;
  writes = 0;
  deferred = 0;
  /** Reads that saw less than an earlier read had seen, of a write that was still under way: C1 allows it. */
  wentBack = 0;
  private readonly finished = new Map<string, Mark[]>();
  private readonly seen = new Map<string, Mark[]>();
  private readonly deferredAt = new Map<number, Map<string, number>>();

  constructor(
    private readonly now: () => number,
    private readonly keys: readonly string[],
    private readonly maxStaleMs = 0,
  ) {}

  /** @param incarnation number of the process that is asked; a restarted one is another */
  readBegins(incarnation: number, keys = this.keys): Floors {
    const own = this.deferredAt.get(incarnation);
    const startedAt = this.now();
    const newest = (marks: ReadonlyMap<string, Mark[]>, at: number): Seen =>
      Object.fromEntries(keys.map((key) => [key, newestBefore(marks.get(key), at)]));
    return {
      startedAt,
      anywhere: newest(this.finished, startedAt),
      whenCutOff: newest(this.finished, startedAt - this.maxStaleMs),
      seen: newest(this.seen, startedAt),
      here: Object.fromEntries(keys.map((key) => [key, own?.get(key) ?? 0])),
    };
  }

  /**
   * @param committed newest version of each key in the database, where the judge can know it
   * @param cutOff served from L1 while Redis could not be reached, as `maxStaleMs` allows
   */
  readEnds(seen: Seen, floors: Floors, what: string, committed?: Seen, cutOff = false): void {
    this.reads++;
    for (const [key, version] of Object.entries(seen)) {
      const told = `${what} saw ${key}=${version}`;
      const { startedAt, here } = floors;
      const [rule, least] = cutOff ? (['C3', floors.whenCutOff] as const) : (['C1', floors.anywhere] as const);
      if (version < least[key]!) this.blame(rule, `${told}, but ${least[key]} was finished at ${startedAt}`);
      else if (version < here[key]!) this.blame('C5', `${told}, but its own deferred write was ${here[key]}`);
      else if (version < floors.seen[key]!) this.wentBack++;
      if (committed !== undefined && version > committed[key]!) {
        this.blame('future', `${told}, but only ${committed[key]} is committed`);
      }
      note(this.seen, key, version, this.now());
    }
  }

  writeEnds(key: string, version: number, deferred: boolean, incarnation: number): void {
    this.writes++;
    if (!deferred) return note(this.finished, key, version, this.now());
    this.deferred++;
    const own = this.deferredAt.get(incarnation) ?? new Map<string, number>();
    own.set(key, Math.max(own.get(key) ?? 0, version));
    this.deferredAt.set(incarnation, own);
  }

  blame(rule: Violation['rule'], what: string): void {
    this.violations.push({ rule, at: this.now(), what });
  }
}

/** From `at` on, nothing below `version` is new. */
interface Mark {
  readonly at: number;
  readonly version: number;
}

function note(marks: Map<string, Mark[]>, key: string, version: number, at: number): void {
  const list = marks.get(key) ?? [];
  marks.set(key, list);
  if ((list.at(-1)?.version ?? 0) < version) list.push({ at, version });
}

function newestBefore(list: readonly Mark[] | undefined, at: number): number {
  for (let i = (list?.length ?? 0) - 1; i >= 0; i--) if (list![i]!.at < at) return list![i]!.version;
  return 0;
}
