import type { IncomingMessage } from 'node:http';
import { Logger, type ExecutionContext } from '@nestjs/common';
import { userTags } from '../../core/keys';
import type { TieredCache } from '../../core/tiered-cache';
import { DECISIVE_HEADERS } from '../../http/cacheability';
import type { Representation } from '../../http/representation';
import type { Class, Handler } from '../declarations';
import { entryOf } from '../http-key';
import type { Exchange } from '../http-load';
import type { Framework } from './framework';
import type { FastLaneOptions } from './options';
import type { Plan } from './plan';
import { UrlRequest } from './url-request';
import { objectionTo } from './verdict';

/** Makes plans of what Nest has answered, for routes that nothing else stands in the way of. */
export class Planner {
  private readonly refused = new WeakMap<Handler, Map<unknown, string>>();
  private readonly logger = new Logger('FastLane');

  /** @param perRequest controllers that are made anew for each request */
  constructor(
    private readonly framework: Framework,
    private readonly options: FastLaneOptions,
    private readonly perRequest: ReadonlySet<unknown>,
    private readonly cacheOf: (name: string | undefined) => TieredCache<Representation>,
  ) {}

  messageOf(original: object): IncomingMessage {
    return this.framework.messageOf(original);
  }

  /** True for a route that has to take the whole way. */
  refuses(context: ExecutionContext): boolean {
    return this.refused.get(context.getHandler())?.has(context.getClass()) === true;
  }

  /** `undefined` for a route that has to take the whole way, from then on: nobody waits for a look at it each time. */
  planOf(context: ExecutionContext, exchange: Exchange, ours: unknown): Plan | undefined {
    const handler = context.getHandler();
    const plan = this.tryPlan(context, exchange, ours);
    if (typeof plan === 'object') return plan;
    const refused = this.refused.get(handler) ?? new Map<unknown, string>();
    this.refused.set(handler, refused.set(context.getClass(), plan));
    this.logger.debug(`${exchange.operation.where} is answered behind Nest's pipeline: ${plan}`);
    return undefined;
  }

  /** The answer is on its way already: what the functions of others throw here must not reach it. */
  private tryPlan(context: ExecutionContext, exchange: Exchange, ours: unknown): Plan | string {
    try {
      return this.objectionTo(context, exchange, ours) ?? this.planFor(exchange);
    } catch (error) {
      return error instanceof Error ? error.message : String(error);
    }
  }

  private objectionTo(context: ExecutionContext, exchange: Exchange, ours: unknown): string | undefined {
    const owner: Class = context.getClass();
    if (this.perRequest.has(owner)) return 'its class is made for each request';
    return (
      objectionTo(owner, context.getHandler(), ours) ??
      this.framework.objectionTo(exchange.request.original) ??
      this.objectionToHeaders(exchange)
    );
  }

  private givenTo(exchange: Exchange): string[] {
    const given = this.options.before?.(this.messageOf(exchange.request.original)) ?? [];
    return given.filter((_text, i) => i % 2 === 0);
  }

  /**
   * What was on the response before the interceptor is what comes of the framework and of `before`, no more and no
   * less, and stays as it was; nothing of it decides who may have the answer.
   */
  private objectionToHeaders(exchange: Exchange): string | undefined {
    const own = Object.entries(this.framework.ownHeaders());
    const { before } = exchange.response;
    const missing = own.find(([name, value]) => before[name.toLowerCase()] !== value);
    if (missing !== undefined) return `something else changes "${missing[0]}"`;
    const names = [...own.map(([name]) => name), ...this.givenTo(exchange)].map((name) => name.toLowerCase());
    const known = new Set(names);
    const odd = [...Object.keys(before), ...known].find(
      (name) => !known.has(name) || before[name] === undefined || exchange.response.wrote(name),
    );
    if (odd !== undefined) return `"${odd}" is not what the framework and \`before\` set`;
    const decisive = DECISIVE_HEADERS.find((name) => known.has(name));
    return decisive === undefined ? undefined : `"${decisive}" decides who may have the answer`;
  }

  private planFor(exchange: Exchange): Plan | string {
    const { operation, request } = exchange;
    const asked = new UrlRequest(request);
    const entry = entryOf(operation, asked.request, undefined);
    if (asked.beyond !== undefined) return `it reads "${asked.beyond}" of the request`;
    if ('bypass' in entry) return 'its functions say something else when they are asked again';
    const { framework } = this;
    return {
      operation,
      asked,
      key: entry.key,
      tags: userTags(entry.tags),
      cache: this.cacheOf(operation.cache),
      route: framework.routeOf(request.original),
      given: this.givenTo(exchange),
      framework,
      checkedAt: Date.now(),
    };
  }
}
