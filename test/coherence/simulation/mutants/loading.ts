import { edit, VERSIONS_ALWAYS, type Mutant } from './mutant';

const UNCHECKED_JOINS = [
  edit('join-rules.ts', 'return this.state.leaseHeld && flight.generation === this.state.generation;', 'return true;'),
  edit(
    'join-rules.ts',
    "return flight.basis !== undefined && this.state.verdict(tags, flight.basis) !== 'valid';",
    'return false;',
  ),
  edit('join-rules.ts', 'if (startedAfter && result.source', 'return true;\n    if (startedAfter && result.source'),
];

/** What a read, a load and a store are checked by. */
export const LOADING: readonly Mutant[] = [
  {
    rule: 'the version is read before the load, not after it',
    edits: [
      edit(
        'load-runs.ts',
        '.aroundLoad(() => loading.run(permit?.born, flight.fallback))',
        `.aroundLoad(async () => {
          const loaded = await loading.run(permit?.born, flight.fallback);
          const late = permit && (await this.parts.remote.permit(departure.key, departure.tags, true));
          if (late && loaded.storable) loaded.entry = { ...loaded.entry, born: late.born };
          return loaded;
        })`,
      ),
    ],
    profile: 'none',
    seed: 1,
  },
  { rule: 'joiners are checked', edits: UNCHECKED_JOINS, profile: 'none', seed: 4 },
  {
    rule: 'joiners are checked when the flight lands',
    edits: [edit('join-rules.ts', "return this.state.verdict(dependsOn, basis) === 'valid';", 'return true;')],
    profile: 'none',
    seed: 21,
  },
  {
    rule: 'an earlier flight is joined only under a lease',
    edits: [edit('join-rules.ts', 'return this.state.leaseHeld && flight', 'return flight')],
    profile: 'freeze',
    seed: 61,
  },
  {
    rule: 'a tag that is missing in L2 is invalid',
    edits: [edit('tiers/remote-judge.ts', "version === undefined ? 'deleted' :", "version === undefined ? 'valid' :")],
    profile: 'evictTag',
    seed: 11,
  },
  {
    rule: 'a tag that is missing at a store gets no version from before the load',
    edits: [VERSIONS_ALWAYS],
    rules: { missingTagTakesBorn: true },
    profile: 'evictTag',
    seed: 65,
  },
  {
    rule: 'tags that only the entry names are checked in L2',
    edits: [edit('tiers/remote-judge.ts', 'if (further.length === 0)', 'if (further.length >= 0)')],
    profile: 'none',
    seed: 4,
  },
  {
    rule: 'a hit in L2 is judged by what this instance has heard too',
    edits: [
      edit('tiers/remote-tier.ts', 'worseOf(checked.verdict, this.state.verdict(all, head))', 'checked.verdict'),
      VERSIONS_ALWAYS,
    ],
    profile: 'cutCommands',
    seed: 2239,
  },
];
