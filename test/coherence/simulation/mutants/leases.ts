import { edit, VERSIONS_ALWAYS, type Mutant } from './mutant';

/** Lease, acknowledgement, epoch: when L1 may serve, and whom a writer waits for. */
export const LEASES: readonly Mutant[] = [
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
    seed: 2,
  },
  {
    rule: 'the lease is proved by an echo through the bus',
    edits: [
      edit(
        'coherence/lease.ts',
        'if (!sent.isEchoed || sent.seq === undefined) return;',
        'if (sent.seq === undefined) return;',
      ),
    ],
    profile: 'none',
    seed: 11,
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
    seed: 1,
  },
  {
    rule: 'the wall clock ends the lease too',
    edits: [edit('coherence/coherence-state.ts', ' && wall < this.leaseUntilWall', '')],
    profile: 'suspend',
    seed: 1,
  },
  {
    rule: 'the monotonic clock ends the lease too',
    edits: [edit('coherence/coherence-state.ts', 'this.clock.monotonic() < this.leaseUntilMonotonic && ', '')],
    profile: 'stepWall',
    seed: 25,
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
    seed: 4,
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
    seed: 2,
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
    seed: 61,
  },
  {
    rule: 'the epoch is part of a version',
    edits: [
      edit('tiers/remote-judge.ts', 'epoch !== entry.born.epoch || ', ''),
      edit('fills.ts', "if (entry.born.epoch !== this.state.epoch) return 'epoch';", ''),
      edit('coherence/coherence-state.ts', "if (since.epoch !== this.epoch) return 'deleted';", ''),
    ],
    profile: 'restartEmpty',
    seed: 31,
  },
  {
    rule: 'the run id of the server begins a new epoch',
    edits: [],
    rules: { runIgnored: true },
    profile: 'restartSaved',
    seed: 1,
  },
  {
    rule: 'a lost list of members makes writers wait',
    edits: [],
    rules: { lostMembersIgnored: true },
    profile: 'evictHead',
    seed: 2,
  },
  {
    rule: 'a change of epoch ends the lease until a beat has confirmed it',
    edits: [
      edit('coherence/lease.ts', 'if (this.stopped || sent.epochChanges !== this.state.epochChanges) return;', ''),
      edit('coherence/lease.ts', 'head.epoch === this.state.epoch && this.sent.has(beat)', 'this.sent.has(beat)'),
      edit('coherence/lease.ts', 'this.state.correctEpoch(head.epoch)', 'this.state.learnEpoch(head.epoch)'),
      edit('coherence/coherence-state.ts', 'this.endLease();\n    this.onEpochChange();', ''),
      VERSIONS_ALWAYS,
    ],
    profile: 'epochs',
    seed: 4743,
  },
];
