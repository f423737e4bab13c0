import type { ServerRules } from '../sim-server';

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

export const edit = (file: string, from: string, to: string): Edit => ({ file: `core/${file}`, from, to });

/** Entries of L2 are never judged by what was heard alone, which covers for other rules. */
export const VERSIONS_ALWAYS = edit(
  'tiers/remote-judge.ts',
  'const isHeardOf = this.state.hasHeardAllSince(entry.born);',
  'const isHeardOf = false;',
);
