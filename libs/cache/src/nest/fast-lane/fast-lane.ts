import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import {
  Injectable,
  Logger,
  type ExecutionContext,
  type OnApplicationBootstrap,
  type OnModuleDestroy,
} from '@nestjs/common';
import { ApplicationConfig, DiscoveryService, HttpAdapterHost } from '@nestjs/core';
import { LRUCache } from 'lru-cache';
import { CacheError } from '../../core/errors';
import { CacheBackend } from '../cache-backend';
import type { Class } from '../declarations';
import { EndOfTurn } from '../end-of-turn';
import type { Described, Exchange } from '../http-load';
import { endInOnePiece } from '../one-piece';
import { RequestStats } from '../request-stats';
import { frameworkOf, type Framework } from './framework';
import { LaneAnswers, type Found } from './lane-answers';
import type { FastLaneOptions } from './options';
import { weightOf, type Plan } from './plan';
import { Planner } from './planner';
import { NotOfUrl } from './url-request';
import { objectionToAll } from './verdict';

/** URLs that are remembered, and the bytes that they may take. */
const MAX_URLS = 10_000;
const MAX_BYTES = 8 * 1_048_576;
const MAX_URL_LENGTH = 2_000;

type Listener = (request: IncomingMessage, response: ServerResponse) => void;

/**
 * Answers fresh hits in L1 at the listener of the HTTP server, before framework and Nest see the request, byte for
 * byte as the interceptor would have. Which entry a URL leads to is learnt from answers of the interceptor; routes
 * with guards, other interceptors, hooks or middleware in their way are never taken. See `docs/concepts/fast-lane.md`.
 *
 * @publicApi
 */
@Injectable()
export class FastLane implements OnApplicationBootstrap, OnModuleDestroy {
  private readonly plans = new LRUCache<string, Plan>({ max: MAX_URLS, maxSize: MAX_BYTES });
  private readonly logger = new Logger('FastLane');
  /** The listener that framework and Nest have put on the server. */
  private wholeWay: Listener | undefined;
  private options: FastLaneOptions | undefined;
  private planner: Planner | undefined;
  private answers: LaneAnswers | undefined;
  private isStarted = false;

  constructor(
    private readonly host: HttpAdapterHost,
    private readonly config: ApplicationConfig,
    private readonly discovery: DiscoveryService,
    private readonly stats: RequestStats,
    private readonly backend: CacheBackend,
    private readonly endOfTurn: EndOfTurn,
  ) {}

  /** Answers given since start, and URLs known now. */
  get usage(): { readonly answers: number; readonly urls: number; readonly bytes: number } {
    return { answers: this.stats.fast, urls: this.plans.size, bytes: this.plans.calculatedSize };
  }

  /**
   * Opens the lane, once the application has started. To be called before `app.init()` or `app.listen()`.
   *
   * @throws CacheError `INVALID_OPTIONS` when it is too late, or the server is none that can be listened to
   */
  open(options: FastLaneOptions = {}): void {
    if (this.isStarted || this.options !== undefined) {
      throw new CacheError('INVALID_OPTIONS', 'open the fast lane once, before app.init() or app.listen()');
    }
    this.options = options;
    const server = this.host.httpAdapter.getHttpServer() as Server;
    const [serve, ...others] = server.listeners('request') as Listener[];
    if (serve === undefined || others.length > 0) {
      throw new CacheError('INVALID_OPTIONS', 'the fast lane needs an HTTP server with one request listener');
    }
    // Not `bind`: an application of Express has a method of that name.
    this.wholeWay = (request, response) => serve.call(server, request, response);
    server.removeListener('request', serve);
    server.on('request', (request: IncomingMessage, response: ServerResponse) => {
      if (this.answer(request, response)) return;
      // What is decided must not wait for what a handler does at once; reads may be hits of the interceptor.
      if (request.method !== 'GET') this.endOfTurn.flush();
      this.wholeWay!(request, response);
    });
  }

  async onApplicationBootstrap(): Promise<void> {
    this.isStarted = true;
    if (this.options === undefined) return;
    const wrappers = this.discovery.getControllers();
    const controllers = wrappers.map(({ metatype }) => metatype as Class);
    const framework = await this.frameworkFor(controllers, this.options);
    if (typeof framework === 'string') return this.logger.warn(`the fast lane stays shut: ${framework}`);
    const perRequest = wrappers.filter((wrapper) => !wrapper.isDependencyTreeStatic());
    const classes = new Set<unknown>(perRequest.map(({ metatype }) => metatype));
    this.planner = new Planner(framework, this.options, classes, (name) => this.backend.httpCache(name));
    this.answers = new LaneAnswers(this.options);
  }

  /** Or why there can be no lane on it. What cannot be looked into shuts it too; it does not keep anybody from starting. */
  private async frameworkFor(
    controllers: readonly Class[],
    { standsFor = [] }: FastLaneOptions,
  ): Promise<Framework | string> {
    try {
      const framework = await frameworkOf(this.host.httpAdapter, standsFor);
      if (framework === undefined) return 'the adapter is none that is known';
      return framework.objectionToAll() ?? objectionToAll(this.config, controllers) ?? framework;
    } catch (error) {
      return error instanceof Error ? error.message : String(error);
    }
  }

  /** While the application closes, each request takes the whole way. */
  onModuleDestroy(): void {
    this.answers = undefined;
    this.planner = undefined;
    this.plans.clear();
  }

  /** True when the request is answered, by the end of this turn of the event loop. */
  answer(request: IncomingMessage, response: ServerResponse): boolean {
    const startedAt = performance.now();
    const found = this.find(request);
    if (found === undefined) return false;
    this.endOfTurn.add(() => this.finish(found, request, response, startedAt));
    return true;
  }

  private finish(found: Found, request: IncomingMessage, response: ServerResponse, startedAt: number): void {
    try {
      this.send(found, response);
      this.count(found, request, performance.now() - startedAt);
    } catch (error) {
      this.logger.error(error);
      if (!response.headersSent) this.wholeWay!(request, response);
    }
  }

  private send({ answer, head }: Found, response: ServerResponse): void {
    response.writeHead(answer.status, head);
    const { bytes, text } = answer;
    if (text === undefined || !endInOnePiece(response, text)) response.end(bytes);
  }

  private count({ plan, entry, answer, head }: Found, request: IncomingMessage, milliseconds: number): void {
    plan.cache.shared!.countHit(plan.key, entry);
    this.stats.fast++;
    this.stats.record(true, milliseconds);
    this.options!.after?.(request, {
      method: 'GET',
      route: plan.route,
      status: answer.status,
      cacheStatus: answer.cacheStatus,
      headers: head,
      seconds: milliseconds / 1_000,
    });
  }

  /** What would be answered here and now; counts nothing. `undefined`: the request takes the whole way. */
  find(request: IncomingMessage): Found | undefined {
    if (request.method !== 'GET' || this.answers === undefined) return undefined;
    const plan = this.plans.get(request.url!);
    if (plan === undefined) return undefined;
    try {
      const found = this.answers.find(plan, request);
      if (found === 'outdated') this.plans.delete(request.url!);
      return found === 'outdated' ? undefined : found;
    } catch (error) {
      this.plans.delete(request.url!);
      if (!(error instanceof NotOfUrl)) this.logger.error(error);
      return undefined;
    }
  }

  /** True for a request whose answer {@link learn} is to be told of. */
  isToLearn(context: ExecutionContext, { request }: Described): boolean {
    if (this.planner === undefined) return false;
    const { url, method } = this.planner.messageOf(request.original);
    if (url === undefined || url.length > MAX_URL_LENGTH || method !== 'GET' || this.plans.has(url)) return false;
    return !this.planner.refuses(context);
  }

  /** Remembers what a fresh hit behind Nest's pipeline has been answered with, for the next request to its URL. */
  learn(context: ExecutionContext, exchange: Exchange, ours: unknown): void {
    if (this.planner === undefined) return;
    const plan = this.planner.planOf(context, exchange, ours);
    const url = this.planner.messageOf(exchange.request.original).url!;
    if (plan !== undefined) this.plans.set(url, plan, { size: weightOf(url, plan) });
  }
}
