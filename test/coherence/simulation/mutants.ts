import type { ServerRules } from './sim-server';

/** One text of a source file, and what it becomes. */
export interface Edit {
  readonly file: string;
  readonly from: string;
  readonly to: string;
}

/** The library with one rule off, or several where one covers for another; and a run in which that shows. */
export interface Mutant {
  readonly rule: string;
  readonly edits: readonly Edit[];
  readonly rules?: ServerRules;
  readonly profile: string;
  readonly seed: number;
}

const edit = (file: string, from: string, to: string): Edit => ({ file: `core/${file}`, from, to });

const UNCHECKED_JOINS = [
  edit('join-rules.ts', 'return this.state.leaseHeld && flight.generation === this.state.generation;', 'return true;'),
  edit(
    'join-rules.ts',
    "return flight.basis !== undefined && this.state.verdict(tags, flight.basis) !== 'valid';",
    'return false;',
  ),
  edit('join-rules.ts', 'if (startedAfter && result.source', 'return true;\n    if (startedAfter && result.source'),
];

/** Every rule that a schedule was found for, each with its first. One list, long on purpose: its order is the protocol's. */
export const MUTANTS: readonly Mutant[] = [
  {
    rule: 'the version is read before the load, not after it',
    edits: [
      edit(
        'read-through.ts',
        'const loaded = await reporter.aroundLoad(() => loading.run(permit?.born, fallback));',
        `const loaded = await reporter.aroundLoad(() => loading.run(permit?.born, fallback));
         const late = permit && (await this.parts.remote.permit(key, departure.tags, true));
         if (late && loaded.storable) loaded.entry = { ...loaded.entry, born: late.born };`,
      ),
    ],
    profile: 'none',
    seed: 2,
  },
  { rule: 'joiners are checked', edits: UNCHECKED_JOINS, profile: 'none', seed: 6 },
  {
    rule: 'joiners are checked when the flight lands',
    edits: [edit('join-rules.ts', "return this.state.verdict(dependsOn, basis) === 'valid';", 'return true;')],
    profile: 'none',
    seed: 330,
  },
  {
    rule: 'an earlier flight is joined only under a lease',
    edits: [edit('join-rules.ts', 'return this.state.leaseHeld && flight', 'return flight')],
    profile: 'freeze',
    seed: 13,
  },
  {
    rule: 'a tag that is missing in L2 is invalid',
    edits: [edit('tiers/remote-tier.ts', "version === undefined ? 'deleted' :", "version === undefined ? 'valid' :")],
    profile: 'evictTag',
    seed: 2,
  },
  {
    rule: 'a tag that is missing at a store gets no version from before the load',
    edits: [],
    rules: { missingTagTakesBorn: true },
    profile: 'evictTag',
    seed: 30,
  },
  {
    rule: 'tags that only the entry names are checked in L2',
    edits: [edit('tiers/remote-tier.ts', 'if (further.length === 0)', 'if (further.length >= 0)')],
    profile: 'none',
    seed: 1,
  },
  {
    rule: 'a hit in L2 is judged by what this instance has heard too',
    edits: [
      edit(
        'tiers/remote-tier.ts',
        'worseOf(checked.verdict, this.state.verdict(decoded.tags, head))',
        'checked.verdict',
      ),
    ],
    profile: 'cutCommands',
    seed: 2038,
  },
  {
    rule: 'the lease counts from the sending of the echo',
    edits: [
      edit(
        'coherence/lease.ts',
        'grantLease(sent.monotonic, sent.wall,',
        'grantLease(this.clock.monotonic(), this.clock.now(),',
      ),
    ],
    profile: 'freeze',
    seed: 4,
  },
  {
    rule: 'the lease is proved by an echo through the bus',
    edits: [
      edit('coherence/lease.ts', 'if (!sent.isEchoed || !sent.isAnswered) return;', 'if (!sent.isAnswered) return;'),
    ],
    profile: 'none',
    seed: 4,
  },
  {
    rule: 'L1 serves only under a lease',
    edits: [
      edit(
        'tiers/local-tier.ts',
        'if (!this.state.leaseHeldAt(now)) return',
        'if (this.state.leaseHeldAt(now) === undefined) return',
      ),
    ],
    profile: 'freeze',
    seed: 2,
  },
  {
    rule: 'the wall clock ends the lease too',
    edits: [edit('coherence/coherence-state.ts', ' && wall < this.leaseUntilWall', '')],
    profile: 'suspend',
    seed: 2,
  },
  {
    rule: 'the monotonic clock ends the lease too',
    edits: [edit('coherence/coherence-state.ts', 'this.clock.monotonic() < this.leaseUntilMonotonic && ', '')],
    profile: 'stepWall',
    seed: 4,
  },
  {
    rule: 'the generation is checked on a hit and at a fill',
    edits: [
      edit(
        'tiers/local-tier.ts',
        'entry.generation !== this.state.generation',
        'entry.generation !== entry.generation',
      ),
      edit('fills.ts', "if (generation !== this.state.generation) return 'generation';", ''),
    ],
    profile: 'cutSubscription',
    seed: 5,
  },
  {
    rule: 'the generation changes when the subscription is confirmed',
    edits: [
      edit(
        'coherence/coherence-state.ts',
        'this.generation++;\n    this.endLease();',
        'this.generation = 1;\n    this.endLease();',
      ),
    ],
    profile: 'cutSubscription',
    seed: 5,
  },
  {
    rule: 'an invalidation is applied before it is acknowledged',
    edits: [
      edit(
        'coherence/invalidator.ts',
        'this.state.hear(message, message.tags, message.mode);\n    if (message.origin',
        'const apply = () => this.state.hear(message, message.tags, message.mode);\n    this.clock.after(3, () => (apply(), this.onApplied(message.tags, message.mode)));\n    if (message.origin',
      ),
    ],
    profile: 'none',
    seed: 1,
  },
  {
    rule: 'the writer waits for acknowledgements',
    edits: [edit('coherence/invalidator.ts', '.filter((id) => id !== this.member);', '.filter(() => false);')],
    profile: 'none',
    seed: 1,
  },
  {
    rule: 'a writer waits one lease for who stays silent, no longer',
    edits: [
      edit('coherence/invalidator.ts', 'this.options.leaseMs, this.clock', '3 * this.options.leaseMs, this.clock'),
    ],
    profile: 'freeze',
    seed: 1,
  },
  {
    rule: 'who stayed silent is not waited for again',
    edits: [
      edit(
        'coherence/invalidator.ts',
        'void this.remote.removeMember(silent, invalidated.members.get(silent)).catch(() => undefined);',
        'void silent;',
      ),
    ],
    profile: 'crash',
    seed: 1,
  },
  {
    rule: 'versions come from one counter, at the moment they count',
    edits: [],
    rules: { lastWriterWins: true },
    profile: 'hot',
    seed: 1,
  },
  {
    rule: 'the epoch is part of a version',
    edits: [
      edit('tiers/remote-tier.ts', 'epoch !== entry.born.epoch || ', ''),
      edit('fills.ts', "if (entry.born.epoch !== this.state.epoch) return 'epoch';", ''),
      edit('coherence/coherence-state.ts', "if (since.epoch !== this.epoch) return 'deleted';", ''),
    ],
    profile: 'restartEmpty',
    seed: 16,
  },
  {
    rule: 'the run id of the server begins a new epoch',
    edits: [],
    rules: { runIgnored: true },
    profile: 'restartSaved',
    seed: 26,
  },
  {
    rule: 'a lost list of members makes writers wait',
    edits: [],
    rules: { lostMembersIgnored: true },
    profile: 'evictHead',
    seed: 7,
  },
  {
    rule: "a reader's own tags are checked",
    edits: [
      edit('tiers/local-tier.ts', 'tags.length > 0 && tags.some(', 'tags.length < 0 && tags.some('),
      edit('tiers/remote-tier.ts', 'this.judgeAll(entry, declared, read, read.versions)', "'valid'"),
    ],
    profile: 'rolling',
    seed: 1,
  },
  {
    rule: 'stale by age is served only while nothing was invalidated',
    edits: [
      edit('stale-rules.ts', "this.verdict(entry) !== 'deleted' ? entry", 'true ? entry'),
      edit(
        'tiers/remote-tier.ts',
        "return missed('invalidated');",
        "return missed('invalidated', { ...decoded, ...localFacts({ proven: 0, generation, localUntil: Infinity }) });",
      ),
    ],
    profile: 'failingLoads',
    seed: 1,
  },
  {
    rule: 'without Redis only what was proved in the present generation is served',
    edits: [edit('stale-rules.ts', 'entry.generation === this.state.generation &&\n      this.clock', 'this.clock')],
    profile: 'maxStale',
    seed: 661,
  },
  {
    rule: 'without Redis nothing is served for longer than maxStaleMs',
    edits: [edit('stale-rules.ts', ' || !this.state.provenWithin(maxStaleMs)', '')],
    profile: 'maxStale',
    seed: 14,
  },
  {
    rule: 'what could not be delivered counts as newer than anything',
    edits: [edit('coherence/coherence-state.ts', 'for (const tag of tags) this.undelivered.add(tag);', '')],
    profile: 'freezeServer',
    seed: 1,
  },
  {
    rule: 'the floor of the table counts for what fell out of it',
    edits: [edit('coherence/tag-table.ts', "if (this.floorSeq > since) return 'deleted';", '')],
    profile: 'smallTable',
    seed: 2,
  },
  {
    rule: 'a put keeps its value only if nobody has invalidated the key since it began',
    edits: [
      edit('puts.ts', 'prior !== undefined && prior <= (before?.seq ?? -1)', 'true'),
      edit('puts.ts', "before !== undefined && state.verdict([own], before) === 'valid'", 'before !== undefined'),
    ],
    profile: 'none',
    seed: 13,
  },
  {
    rule: 'a put keeps its value only if nobody has invalidated its tags since it began',
    edits: [
      edit('puts.ts', 'if (!(await this.remote.marks.areUnchanged(others, before))) return false;', ''),
      edit('puts.ts', "before !== undefined && state.verdict([own], before) === 'valid'", 'before !== undefined'),
      edit('puts.ts', "state.verdict(others, before) === 'valid' && ", ''),
    ],
    profile: 'none',
    seed: 54,
  },
  {
    rule: 'a change of epoch ends the lease until a beat has confirmed it',
    edits: [
      edit('coherence/lease.ts', 'if (this.stopped || sent.epochChanges !== this.state.epochChanges) return;', ''),
      edit('coherence/lease.ts', 'head.epoch === this.state.epoch && this.sent.has(beat)', 'this.sent.has(beat)'),
      edit('coherence/lease.ts', 'this.state.correctEpoch(head.epoch)', 'this.state.learnEpoch(head.epoch)'),
      edit('coherence/coherence-state.ts', 'this.endLease();\n    this.onEpochChange();', ''),
    ],
    profile: 'epochs',
    seed: 87,
  },
];
