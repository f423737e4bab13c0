import type { IncomingHttpHeaders, IncomingMessage } from 'node:http';
import type { Entry } from '../../core/entry';
import type { Representation } from '../../http/representation';
import { preparedFor, type PreparedAnswer, type PreparedAnswers } from '../prepared-answers';
import type { FastLaneOptions } from './options';
import { givenHeaders, isWanted, stillHolds, type Plan } from './plan';

const OK = 200;

/** What answers a request. */
export interface Found {
  readonly plan: Plan;
  readonly entry: Entry<Representation>;
  readonly answer: PreparedAnswer;
  /** Names and values of all headers in turn. */
  readonly head: string[];
}

/** From a plan and a request to the answer. */
export class LaneAnswers {
  constructor(private readonly options: FastLaneOptions) {}

  /** `outdated`: the plan is of no use any more. @throws NotOfUrl, and whatever the route's functions throw */
  find(plan: Plan, request: IncomingMessage): Found | 'outdated' | undefined {
    const { operation, framework } = plan;
    const { headers } = request;
    if (framework.hasChanged() || needsWholeWay(headers, operation.scope === undefined)) return undefined;
    const wanted = isWanted(plan);
    if (wanted !== true) return wanted === undefined ? 'outdated' : undefined;
    const entry = plan.cache.shared?.fresh(plan.key, plan.tags);
    if (entry === undefined || entry.value.status !== OK) return undefined;
    const now = Date.now();
    if (!stillHolds(plan, now)) return 'outdated';
    const answers = preparedFor(operation, entry, framework, now);
    const answer = answers?.find(headers) ?? make(plan, entry, answers, headers);
    if (answer === undefined) return undefined;
    const given = givenHeaders(plan, this.options.before, request);
    return given === undefined ? undefined : { plan, entry, answer, head: given.concat(answer.head) };
  }
}

function make(
  { operation, asked, cache, key }: Plan,
  entry: Entry<Representation>,
  answers: PreparedAnswers | undefined,
  headers: IncomingHttpHeaders,
): PreparedAnswer | undefined {
  const { method, params, query } = asked.request;
  const request = { method, params, query, headers, body: undefined, user: undefined, original: asked.request };
  return answers?.make({ operation, request }, entry, () => cache.reweigh(key, entry.value));
}

/** True for a request that asks for more than the entry of its URL, or may not have it. */
function needsWholeWay(headers: IncomingHttpHeaders, isUndeclared: boolean): boolean {
  return (
    headers['cache-control'] !== undefined ||
    headers['pragma'] !== undefined ||
    headers['range'] !== undefined ||
    headers['content-length'] !== undefined ||
    headers['transfer-encoding'] !== undefined ||
    (isUndeclared && (headers['authorization'] !== undefined || headers['cookie'] !== undefined))
  );
}
