import { HEARING } from './hearing';
import { LEASES } from './leases';
import { LOADING } from './loading';
import type { Mutant } from './mutant';
import { SERVING } from './serving';

/** Every rule that a schedule was found for, each with its first. */
export const MUTANTS: readonly Mutant[] = [...LOADING, ...LEASES, ...SERVING, ...HEARING];
