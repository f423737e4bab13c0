import type { Case, Origin, Step } from '../case';

export const LM = 'Wed, 21 Oct 2015 07:28:00 GMT';
export const LATER = 'Wed, 21 Oct 2015 07:44:40 GMT';
export const TAG = '"abcdef"';

export const get = (is: Step['is'], more: Omit<Step, 'is'> = {}): Step => ({ is, ...more });
export const twice: readonly Step[] = [get('load'), get('hit')];
export const never: readonly Step[] = [get('pass'), get('pass')];
export const withHeaders = (headers: Record<string, string>): Origin => ({ headers });
export const same = (
  id: string,
  kind: Case['kind'],
  route: Case['route'],
  steps: readonly Step[],
  origin?: Case['origin'],
) => ({ id, kind, route, steps, ...(origin === undefined ? {} : { origin }) }) satisfies Case;
export const differs = (
  id: string,
  kind: Case['kind'],
  why: string,
  route: Case['route'],
  steps: readonly Step[],
  origin?: Case['origin'],
) => ({ ...same(id, kind, route, steps, origin), differs: why }) satisfies Case;
