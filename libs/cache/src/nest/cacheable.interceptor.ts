import {
  GatewayTimeoutException,
  type HttpException,
  Injectable,
  Logger,
  ServiceUnavailableException,
  type CallHandler,
  type ExecutionContext,
  type NestInterceptor,
} from '@nestjs/common';
import { HttpAdapterHost } from '@nestjs/core';
import { from, lastValueFrom, map, of, type Observable } from 'rxjs';
import { isCacheError } from '../core/errors';
import type { ReadResult } from '../core/read-result';
import { cacheStatus, type CacheOutcome } from '../http/cache-status';
import { asksForFresh, hasDirective, identifiesSender, requestBypass } from '../http/cacheability';
import type { Representation } from '../http/representation';
import { userTags } from '../core/keys';
import { FastLane } from './fast-lane/fast-lane';
import { answersByItself } from './answers-by-itself';
import { CacheBackend } from './cache-backend';
import { cacheRequest, isSomebody } from './cache-request';
import { operationsOf } from './declarations';
import { EndOfTurn } from './end-of-turn';
import { sendAnswer, sendHit } from './http-answer';
import { entryOf } from './http-key';
import { ForOneOnly, loadRepresentation, type Described, type Exchange } from './http-load';
import { HttpResponse } from './http-response';
import { isNews } from './is-news';
import { leaveWith, type FastifyReply } from './leave-with';
import { preparedHit } from './prepared-hit';
import { RequestStats } from './request-stats';
import { unwrapped } from './with-headers';

/** A request to a `@Cacheable` handler, before anything is made for it. */
interface Call extends Described {
  readonly context: ExecutionContext;
  readonly handler: CallHandler;
}

/** Answers a `@Cacheable` handler from the cache: stored bytes, stored headers. */
@Injectable()
export class CacheableInterceptor implements NestInterceptor {
  private readonly logger = new Logger('Cacheable');

  constructor(
    private readonly backend: CacheBackend,
    private readonly stats: RequestStats,
    private readonly host: HttpAdapterHost,
    private readonly lane: FastLane,
    private readonly endOfTurn: EndOfTurn,
  ) {}

  intercept(context: ExecutionContext, handler: CallHandler): Observable<unknown> {
    const operations = operationsOf(context.getClass(), context.getHandler());
    const operation = operations?.cacheable;
    if (operation === undefined || context.getType() !== 'http') return handler.handle();
    const call = { operation, request: cacheRequest(context), context, handler };
    if (operations?.isOff === true) {
      const { next, response } = this.exchange(call);
      return next.handle().pipe(map((result: unknown) => unwrapped(result, response)));
    }
    const special = answersByItself(context);
    if (special !== undefined) return this.passSpecial(this.exchange(call), special);
    const found = this.keyOf(call);
    if ('bypass' in found) return this.pass(this.exchange(call), found.bypass);
    const { key, tags } = found;
    const atOnce = this.answerAtOnce(call, key, tags);
    return atOnce ?? from(this.serve(this.exchange(call), key, tags));
  }

  private exchange({ operation, request, context, handler }: Call): Exchange {
    const response = new HttpResponse(context, this.host.httpAdapter);
    return { operation, request, response, next: this.endOfTurn.before(handler) };
  }

  /** A fresh hit in L1 for a request that asks for nothing special waits for nothing. */
  private answerAtOnce(call: Call, key: string, tags: readonly string[]): Observable<unknown> | undefined {
    const { operation, request, context } = call;
    if (request.headers['cache-control'] !== undefined || request.headers['pragma'] !== undefined) return undefined;
    const startedAt = performance.now();
    const cache = this.backend.httpCache(operation.cache);
    const entry = cache.shared?.hit(key, userTags(tags));
    if (entry === undefined) return undefined;
    this.stats.record(true, performance.now() - startedAt);
    const grown = (): boolean => cache.reweigh(key, entry.value);
    const { httpAdapter } = this.host;
    const reply = context.switchToHttp().getResponse<FastifyReply>();
    const isToLearn = this.lane.isToLearn(context, call);
    const prepared = isToLearn ? undefined : preparedHit(reply, httpAdapter, call, entry, grown);
    if (prepared !== undefined) {
      leaveWith(this.endOfTurn, reply, httpAdapter, prepared);
      return of(prepared.bytes);
    }
    const exchange = this.exchange(call);
    const body = sendHit(exchange, entry, grown);
    if (!(body instanceof Promise)) leaveWith(this.endOfTurn, reply, httpAdapter);
    if (isToLearn) this.lane.learn(context, exchange, CacheableInterceptor);
    return body instanceof Promise ? from(body) : of(body);
  }

  /** What the handler sends by itself is not seen by interceptors, and cannot be kept. */
  private passSpecial(exchange: Exchange, how: string): Observable<unknown> {
    this.warnOnce(exchange.operation, how);
    return this.pass(exchange, how);
  }

  private keyOf({ operation, request }: Described): { key: string; tags: readonly string[] } | { bypass: string } {
    if (!this.backend.enabled) return { bypass: 'disabled' };
    const bypass = requestBypass(request.method, request.headers, operation.scope !== undefined);
    if (bypass !== undefined) return { bypass };
    if (operation.scope === undefined && isSomebody(request.user)) return { bypass: 'user' };
    return entryOf(operation, request, this.backend.identify);
  }

  /** Runs the handler as if the cache were not there, but for the headers that say so. */
  private pass({ operation, request, response, next }: Exchange, detail: string): Observable<unknown> {
    const outcome = { kind: 'forward', reason: 'bypass', stored: false, collapsed: false, detail } as const;
    response.set('cache-status', cacheStatus(outcome));
    this.stats.bypassed++;
    const isRead = request.method === 'GET' || request.method === 'HEAD';
    if (isRead && hasDirective(request.headers['cache-control'], 'only-if-cached')) throw notInCache();
    // Made for one sender, as far as we know: a cache on the way must not give it to another one.
    const isOfSender = isSomebody(request.user) || identifiesSender(request.headers);
    const isPrivate = isScoped(operation) || (operation.scope === undefined && isOfSender);
    if (isPrivate) response.set('cache-control', 'private, no-cache');
    else if (operation.headers['cache-control'] !== undefined && !response.has('cache-control'))
      response.set('cache-control', 'no-cache');
    response.vary(operation.vary);
    return next.handle().pipe(map((result: unknown) => unwrapped(result, response)));
  }

  private async serve(exchange: Exchange, key: string, tags: readonly string[]): Promise<unknown> {
    const { operation, request, response } = exchange;
    if (hasDirective(request.headers['cache-control'], 'only-if-cached')) return this.onlyIfCached(exchange, key, tags);
    const startedAt = performance.now();
    const cache = this.backend.httpCache(operation.cache);
    const options = { ...operation.entry, tags };
    const wantsFresh = asksForFresh(request.headers) && this.backend.mayRefresh(request);
    let result: ReadResult<Representation>;
    try {
      if (wantsFresh) await expired(cache, key);
      result = await cache.fetch(key, (loading) => loadRepresentation(exchange, loading), options);
    } catch (error) {
      if (error instanceof ForOneOnly) return this.forOneOnly(exchange, error, wantsFresh);
      this.stats.record(false, performance.now() - startedAt);
      response.set('cache-status', cacheStatus(failed(wantsFresh)));
      if (!isCacheError(error, 'LOAD_TIMEOUT')) throw error;
      throw new ServiceUnavailableException('the answer took longer than "hardTimeout" allows', { cause: error });
    }
    this.stats.record(result.source !== 'load', performance.now() - startedAt);
    response.set('cache-status', cacheStatus(outcomeOf(result, wantsFresh)));
    return sendAnswer(exchange, this.answerOf(key, result, cache));
  }

  private answerOf(key: string, result: ReadResult<Representation>, cache: ReturnType<CacheBackend['httpCache']>) {
    const representation = result.value!;
    const grown = (): boolean => cache.reweigh(key, representation);
    return { representation, entry: result.entry, isHit: result.source !== 'load', grown };
  }

  private async onlyIfCached(exchange: Exchange, key: string, tags: readonly string[]): Promise<unknown> {
    const { operation, response } = exchange;
    const startedAt = performance.now();
    const cache = this.backend.httpCache(operation.cache);
    const result = await cache.inquire(key, { tags });
    this.stats.record(result.value !== undefined, performance.now() - startedAt);
    response.set('cache-status', cacheStatus(result.value === undefined ? failed(false) : outcomeOf(result, false)));
    if (result.value === undefined) throw notInCache();
    return sendAnswer(exchange, this.answerOf(key, result, cache));
  }

  /** To the exchange whose handler ran; others who waited run it for themselves. */
  private async forOneOnly(
    { operation, response, next }: Exchange,
    { exchange, outcome }: ForOneOnly,
    wantsFresh: boolean,
  ): Promise<unknown> {
    const isOwn = exchange.response === response;
    const isSaid =
      response.has('cache-control') || (!isScoped(operation) && operation.headers['cache-control'] === undefined);
    if (!isSaid) response.set('cache-control', isScoped(operation) ? 'private, no-cache' : 'no-cache');
    if ('error' in outcome) {
      response.set('cache-status', cacheStatus(failed(wantsFresh)));
      if (isOwn) throw outcome.error;
    } else {
      if (outcome.isStream) this.warnOnce(operation, 'stream');
      const detail = outcome.isStream ? 'stream' : 'empty';
      response.set('cache-status', cacheStatus({ ...failed(false), kind: 'forward', reason: 'bypass', detail }));
    }
    const result =
      isOwn && 'result' in outcome ? outcome.result : lastValueFrom(next.handle(), { defaultValue: undefined });
    return unwrapped(await result, response);
  }

  private warnOnce({ where }: Exchange['operation'], how: string): void {
    if (!isNews(where, this)) return;
    this.logger.warn(`${where} answers with ${SPECIAL[how]}: it is never cached, @Cacheable has no effect`);
  }
}

/** What a warning calls an answer that cannot be kept. */
const SPECIAL: Readonly<Record<string, string>> = {
  stream: 'a stream or a file',
  sse: 'server-sent events',
  redirect: 'a redirect',
  render: 'a view (@Render())',
  response: 'the response object itself (@Res() without passthrough, or @Next())',
};

const isScoped = ({ scope }: Exchange['operation']): boolean => scope === 'user' || scope === 'tenant';

/** What others cannot be told of is outdated here all the same, and a read never fails because of the cache. */
async function expired(cache: ReturnType<CacheBackend['httpCache']>, key: string): Promise<void> {
  try {
    await cache.expire(key);
  } catch (error) {
    if (!isCacheError(error, 'INVALIDATION_UNDELIVERED')) throw error;
  }
}

/** RFC 9111, section 5.2.1.7: what is not kept is not worth a load to this client. */
const notInCache = (): HttpException =>
  new GatewayTimeoutException('not in the cache, and only-if-cached was asked for');

function failed(wantsFresh: boolean): CacheOutcome & { kind: 'forward' } {
  return { kind: 'forward', reason: wantsFresh ? 'request' : 'uri-miss', stored: false, collapsed: false };
}

function outcomeOf(result: ReadResult<Representation>, wantsFresh: boolean): CacheOutcome {
  if (result.source === 'load') {
    const missed = result.missReason === 'absent' || result.missReason === undefined ? 'uri-miss' : 'stale';
    const reason = wantsFresh ? 'request' : missed;
    return { kind: 'forward', reason, stored: result.stored, collapsed: result.collapsed };
  }
  const detail = result.stale === undefined ? result.source : `${result.source}-stale-${result.stale}`;
  return { kind: 'hit', ttlSeconds: Math.floor((result.entry!.freshUntil - Date.now()) / 1_000), detail };
}
