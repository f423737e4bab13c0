import { edit, type Mutant } from './mutant';

const STATE = 'coherence/coherence-state.ts';

/** When an entry of L2 may be judged by what this instance has heard, without the versions in L2. */
export const HEARING: readonly Mutant[] = [
  {
    rule: 'who has not heard since the entry was born asks for versions',
    edits: [edit(STATE, '      born.seq >= this.heardFrom &&\n', '')],
    profile: 'crash',
    seed: 7,
  },
  {
    rule: 'a new subscription has heard nothing yet',
    edits: [edit(STATE, 'this.endLease();\n    this.heardFrom = Infinity;', 'this.endLease();')],
    profile: 'cutSubscription',
    seed: 40,
  },
  {
    rule: 'without a lease nobody has heard everything',
    edits: [edit(STATE, 'born.seq >= this.table.floor &&\n      this.leaseHeld\n', 'born.seq >= this.table.floor\n')],
    profile: 'losses',
    seed: 47,
  },
];
