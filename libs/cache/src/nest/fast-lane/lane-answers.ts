import type { IncomingHttpHeaders, IncomingMessage } from 'node:http';
import type { Entry } from '../../core/entry';
import type { Representation } from '../../http/representation';
import type { CacheRequest } from '../cache-request';
import { always } from '../operations';
import type { FastLaneOptions } from './options';
import { stillHolds, type Plan } from './plan';
import { PreparedAnswers, type PreparedAnswer } from './prepared-answers';

const OK = 200;
const NO_HEADERS: string[] = [];

/** What answers a request. */
export interface Found {
  readonly plan: Plan;
  readonly entry: Readonly<Entry<Representation>>;
  readonly answer: PreparedAnswer;
  /** Names and values of all headers in turn. */
  readonly head: string[];
}

/** From a plan and a request to the answer. */
export class LaneAnswers {
  constructor(private readonly options: FastLaneOptions) {}

  /** `outdated`: the plan is of no use any more. @throws NotOfUrl, and whatever the route's functions throw */
  find(plan: Plan, request: IncomingMessage): Found | 'outdated' | undefined {
    const { operation } = plan;
    const { headers } = request;
    if (needsWholeWay(headers, operation.scope === undefined)) return undefined;
    const condition = operation.condition as (request: CacheRequest) => boolean;
    if (condition !== always && !condition(plan.request)) return undefined;
    const entry = plan.cache.shared?.fresh(plan.key, plan.tags);
    if (entry === undefined || entry.value.status !== OK) return undefined;
    const answers = this.answersOf(plan, entry);
    if (answers === undefined) return 'outdated';
    const answer = answers.find(headers) ?? this.make(plan, entry, answers, headers);
    if (answer === undefined) return undefined;
    const before = this.options.before === undefined ? NO_HEADERS : this.options.before(request);
    return before === undefined ? undefined : { plan, entry, answer, head: before.concat(answer.head) };
  }

  private answersOf(plan: Plan, entry: Readonly<Entry<Representation>>): PreparedAnswers | undefined {
    const now = Date.now();
    const kept = entry.value.forms.prepared as PreparedAnswers | undefined;
    if (kept?.isOf(plan.operation, entry) === true) {
      if (kept.isCurrent(now)) return kept;
      if (!stillHolds(plan)) return undefined;
      kept.update(now);
      return kept;
    }
    if (!stillHolds(plan)) return undefined;
    const made = new PreparedAnswers(plan.operation, entry, plan.framework);
    made.update(now);
    entry.value.forms.prepared = made;
    return made;
  }

  private make(
    plan: Plan,
    entry: Readonly<Entry<Representation>>,
    answers: PreparedAnswers,
    headers: IncomingHttpHeaders,
  ): PreparedAnswer | undefined {
    const { operation, request, cache, key } = plan;
    const { method, params, query } = request;
    const nobody = { body: undefined, user: undefined, original: request };
    const asked = { operation, request: { method, params, query, headers, ...nobody } };
    return answers.make(asked, entry, () => cache.reweigh(key, entry.value));
  }
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
