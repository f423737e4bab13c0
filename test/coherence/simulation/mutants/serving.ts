import { edit, type Mutant } from './mutant';

/** What may be served or kept when something is stale, away or overtaken. */
export const SERVING: readonly Mutant[] = [
  {
    rule: "a reader's own tags are checked",
    edits: [
      edit('tiers/local-tier.ts', 'tags.length > 0 && !entry.carries(', 'tags.length < 0 && !entry.carries('),
      edit('tiers/remote-judge.ts', 'this.judgeAll(entry, declared, read, read.versions)', "'valid'"),
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
        "return missed('invalidated', new Entry(decoded, tags, { proven: 0, generation }, { cache: this.cache, key }));",
      ),
    ],
    profile: 'failingLoads',
    seed: 1,
  },
  {
    rule: 'without Redis only what was proved in the present generation is served',
    edits: [edit('stale-rules.ts', 'entry.generation === this.state.generation &&\n      this.clock', 'this.clock')],
    profile: 'maxStale',
    seed: 690,
  },
  {
    rule: 'without Redis nothing is served for longer than maxStaleMs',
    edits: [edit('stale-rules.ts', ' || !this.state.provenWithin(maxStaleMs)', '')],
    profile: 'maxStale',
    seed: 48,
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
    seed: 1,
  },
  {
    rule: 'a put keeps its value only if nobody has invalidated the key since it began',
    edits: [
      edit('puts.ts', 'prior !== undefined && prior <= (before?.seq ?? -1)', 'true'),
      edit('puts.ts', "before !== undefined && state.verdict([own], before) === 'valid'", 'before !== undefined'),
    ],
    profile: 'none',
    seed: 43,
  },
  {
    rule: 'a put keeps its value only if nobody has invalidated its tags since it began',
    edits: [
      edit('puts.ts', 'if (!(await this.remote.marks.areUnchanged(others, before))) return false;', ''),
      edit('puts.ts', "before !== undefined && state.verdict([own], before) === 'valid'", 'before !== undefined'),
      edit('puts.ts', "state.verdict(others, before) === 'valid' && ", ''),
    ],
    profile: 'none',
    seed: 44,
  },
];
