import type { IncomingMessage } from 'node:http';
import { FastifyAdapter, type NestFastifyApplication } from '@nestjs/platform-fastify';
import { FastLane, type FastAnswer } from '@strata/cache';
import { HttpMetrics, type FinishedRequest } from '@strata/metrics';
import type { FastifyError, FastifyReply, FastifyRequest, onRequestHookHandler, onResponseHookHandler } from 'fastify';
import type { Config } from './config/config';
import { answerClientError } from './http/client-error';
import { KnownRoutes } from './http/known-routes';
import { ProblemFilter, sendProblem } from './http/problem.filter';
import { requestId } from './http/request-id';
import { SchemaPipe } from './http/schema.pipe';
import { setUpSwagger } from './http/swagger';
import { ServiceLogger } from './logging/service-logger';
import { Draining } from './runtime/draining';

const BODY_LIMIT = 1_048_576;

/** The HTTP adapter, before any route is known. */
export function createAdapter(config: Config): FastifyAdapter {
  return new FastifyAdapter({
    bodyLimit: BODY_LIMIT,
    genReqId: requestId,
    requestIdHeader: false,
    trustProxy: trustedProxies(config.TRUST_PROXY),
    forceCloseConnections: 'idle',
    // While draining, what still comes over a connection that is open is answered, not refused.
    return503OnClosing: false,
    routerOptions: { maxParamLength: 16_384 },
    clientErrorHandler: answerClientError,
    frameworkErrors: (error: FastifyError, request: FastifyRequest, reply: FastifyReply) => {
      void reply.header('x-request-id', String(request.id));
      sendProblem(request, reply, {
        status: error.statusCode ?? 400,
        detail: error.message,
      });
    },
  });
}

/** Everything around the handlers: pipes, error form, request ids, timing, Swagger, and the lane of the cache. */
export function configureApp(app: NestFastifyApplication, config: Config, draining = new Draining()): void {
  app.useGlobalPipes(new SchemaPipe());
  app.useGlobalFilters(new ProblemFilter(app.get(ServiceLogger)));
  const around = aroundRequests(app.get(HttpMetrics), app.get(ServiceLogger), draining);
  addHooks(app, around);
  if (config.CACHE_FAST_LANE) {
    const { before, after, begin, end } = around;
    app.get(FastLane).open({ standsFor: [begin, end], before, after });
  }
  setUpSwagger(app);
}

/** What is done before and after each request: as hooks of Fastify, and the same for the lane of the cache. */
function aroundRequests(metrics: HttpMetrics, logger: ServiceLogger, draining: Draining) {
  const routes = new KnownRoutes();
  const finish = (request: FinishedRequest, id: string): void => {
    metrics.record(request);
    if (logger.isOn('debug')) logRequest(logger, id, request);
  };
  const begin: onRequestHookHandler = (request, reply, done) => {
    void reply.header('x-request-id', String(request.id));
    if (draining.isUnderWay) void reply.header('connection', 'close');
    const instead = draining.answerInstead(request.method, request.url);
    if (instead !== undefined) return sendProblem(request, reply, instead);
    if (isEncoded(request)) {
      // RFC 9110, section 12.5.3: what would have been taken.
      void reply.header('accept-encoding', 'identity');
      return sendProblem(request, reply, { status: 415, detail: 'send the body without Content-Encoding' });
    }
    if (!request.is404) return done();
    const allowed = routes.allowed(request.url.split('?', 1)[0]!);
    if (allowed.length === 0) return done();
    void reply.header('allow', allowed.join(', '));
    sendProblem(request, reply, { status: 405, detail: `${request.method} is not possible here` });
  };
  const end: onResponseHookHandler = (request, reply, done) => {
    const finished = {
      method: request.method,
      route: request.routeOptions.url ?? 'unknown',
      status: reply.statusCode,
      cacheStatus: reply.getHeader('cache-status') as string | undefined,
      seconds: reply.elapsedTime / 1_000,
    };
    finish(finished, String(request.id));
    done();
  };
  const before = (request: IncomingMessage): readonly string[] | undefined =>
    draining.isUnderWay ? undefined : ['x-request-id', requestId(request)];
  const after = (_request: IncomingMessage, answer: FastAnswer): void => finish(answer, answer.headers[1]!);
  return { routes, begin, end, before, after };
}

/** Bodies are not decompressed: a small one may become any size. */
function isEncoded({ headers }: FastifyRequest): boolean {
  const coding = headers['content-encoding'];
  const hasBody = headers['content-length'] !== undefined || headers['transfer-encoding'] !== undefined;
  return coding !== undefined && coding.toLowerCase() !== 'identity' && hasBody;
}

function addHooks(app: NestFastifyApplication, { routes, begin, end }: ReturnType<typeof aroundRequests>): void {
  const fastify = app.getHttpAdapter().getInstance();
  // JSON is the only body this service takes; Fastify would accept text too.
  fastify.removeContentTypeParser('text/plain');
  fastify.addHook('onRoute', (route) => routes.add(route.url, [route.method].flat()));
  fastify.addHook('onRequest', begin);
  fastify.addHook('onResponse', end);
}

/** Route templates, never URLs: an access log must not become a second copy of what people look for. */
function logRequest(logger: ServiceLogger, requestId: string, request: FinishedRequest): void {
  const { method, route, status, cacheStatus, seconds } = request;
  const ms = Math.round(seconds * 1e6) / 1e3;
  logger.facts('debug', 'Request', `${method} ${route}`, { requestId, method, route, status, ms, cache: cacheStatus });
}

type TrustProxy = boolean | string | ((address: string, hop: number) => boolean);

/** `TRUST_PROXY`: `true`, a number of hops, or a list of addresses. */
function trustedProxies(text: string | undefined): TrustProxy {
  if (text === undefined || text === 'false') return false;
  if (text === 'true') return true;
  return /^\d+$/.test(text) ? (_address, hop) => hop < Number(text) : text;
}
