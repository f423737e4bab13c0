import { Catch, HttpException, type ArgumentsHost, type ExceptionFilter } from '@nestjs/common';
import { isCacheError } from '@strata/cache';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { databaseTrouble } from '../database/database-trouble';
import type { ServiceLogger } from '../logging/service-logger';
import { InputException } from './input-exception';
import { problem, PROBLEM_TYPE, UNDELIVERED_PROBLEM, VALIDATION_PROBLEM, type ProblemFacts } from './problem';

/** Where the framework's words say less than the caller needs. */
const DETAILS: Readonly<Record<number, string>> = {
  413: 'the body is larger than 1 MiB',
  415: 'send the body as application/json',
};

type ErrorFacts = Omit<ProblemFacts, 'instance' | 'correlationId'>;

/** Longer than a failover takes, shorter than anybody's patience. */
const RETRY_AFTER_SECONDS = '5';

const AWAY: ErrorFacts = { status: 503, detail: 'The database cannot be reached now; what is cached is still served.' };

/** A write whose connection broke may have been stored: nobody is invited to send it again. */
function isDatabaseAway(error: unknown, method: string): boolean {
  const trouble = databaseTrouble(error);
  return trouble === 'unreached' || (trouble === 'broken' && (method === 'GET' || method === 'HEAD'));
}

/** Caused by callers who ask for nothing but the cache. */
const ONLY_IF_CACHED = 504;

/** Words every error as a problem document. Only what a caller could not cause is logged as an error. */
@Catch()
export class ProblemFilter implements ExceptionFilter {
  constructor(private readonly logger: ServiceLogger) {}

  catch(error: unknown, host: ArgumentsHost): void {
    const request = host.switchToHttp().getRequest<FastifyRequest>();
    const reply = host.switchToHttp().getResponse<FastifyReply>();
    const isAway = isDatabaseAway(error, request.method);
    const facts = isAway ? AWAY : factsOf(error);
    if (facts.status >= 500 && facts.status !== ONLY_IF_CACHED) this.report(request, error);
    if (isAway) void reply.header('retry-after', RETRY_AFTER_SECONDS);
    sendProblem(request, reply, facts);
  }

  private report(request: FastifyRequest, error: unknown): void {
    const { method, id } = request;
    const route = request.routeOptions.url ?? 'unknown';
    const facts = { requestId: String(id), method, route };
    const where = `${method} ${route} failed`;
    if (error instanceof HttpException || isCacheError(error)) {
      return this.logger.facts('warn', 'Http', `${where}: ${error.message}`, facts);
    }
    const stack = error instanceof Error ? (error.stack ?? error.message) : String(error);
    this.logger.facts('error', 'Http', where, { ...facts, stack });
  }
}

/** Sends a problem document for `request`. */
export function sendProblem(request: FastifyRequest, reply: FastifyReply, facts: ErrorFacts): void {
  if (reply.sent) return;
  const body = problem({ ...facts, instance: request.url.split('?', 1)[0]!, correlationId: String(request.id) });
  void reply.code(facts.status).type(PROBLEM_TYPE).send(JSON.stringify(body));
}

function factsOf(error: unknown): ErrorFacts {
  if (error instanceof InputException) {
    return {
      status: 400,
      type: VALIDATION_PROBLEM,
      title: 'Invalid input',
      detail: error.message,
      errors: error.errors,
    };
  }
  if (isCacheError(error, 'INVALIDATION_UNDELIVERED')) {
    return {
      status: 503,
      type: UNDELIVERED_PROBLEM,
      title: 'Stored, but other instances could not be told',
      detail: 'The write is stored. Its invalidation could not reach Redis and will be delivered later.',
    };
  }
  if (error instanceof HttpException) {
    const status = error.getStatus();
    return { status, detail: DETAILS[status] ?? error.message };
  }
  return ofFastify(error) ?? { status: 500, detail: 'Something failed here; the log has more under this request id.' };
}

/** Errors of Fastify itself (body, media type, size) carry a client error status. */
function ofFastify(error: unknown): ErrorFacts | undefined {
  if (!(error instanceof Error) || !('statusCode' in error)) return undefined;
  const status = Number(error.statusCode);
  return status >= 400 && status < 500 ? { status, detail: DETAILS[status] ?? error.message } : undefined;
}
