import type { Case } from './case';
import { freshness, responseDirectives } from './cases/freshness';
import { requestDirectives, authorization } from './cases/requests';
import { validators } from './cases/validators';
import { vary } from './cases/vary';
import { statuses, headers, others } from './cases/answers';

/** The cases of the public suite that are about an origin's shared cache, chapter by chapter. */
export const CASES: readonly Case[] = [
  ...freshness,
  ...responseDirectives,
  ...requestDirectives,
  ...authorization,
  ...validators,
  ...vary,
  ...statuses,
  ...headers,
  ...others,
];
