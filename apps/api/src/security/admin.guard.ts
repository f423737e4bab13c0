import {
  ForbiddenException,
  Inject,
  Injectable,
  UnauthorizedException,
  type CanActivate,
  type ExecutionContext,
} from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { CONFIG } from '../config/config.token';
import type { Config } from '../config/config';
import { showsToken } from './bearer';
import { WriteLimiter } from './write-limiter';

const LOCAL_HOST = /^(localhost|127(\.\d{1,3}){3}|\[::1\])(:\d+)?$/i;
const LOOPBACK = /^(127(\.\d{1,3}){3}|::1|::ffff:127(\.\d{1,3}){3})$/;

/** Lets through who shows `ADMIN_TOKEN`; without one configured, loopback callers outside production. */
@Injectable()
export class AdminGuard implements CanActivate {
  constructor(
    @Inject(CONFIG) private readonly config: Config,
    private readonly limiter: WriteLimiter,
  ) {}

  async canActivate(context: ExecutionContext): Promise<boolean> {
    const http = context.switchToHttp();
    await this.limiter.consume(http.getRequest<FastifyRequest>(), http.getResponse<FastifyReply>());
    return this.authorize(context);
  }

  /** Who may, without counting the request as a write. */
  async authorize(context: ExecutionContext): Promise<boolean> {
    const request = context.switchToHttp().getRequest<FastifyRequest>();
    const reply = context.switchToHttp().getResponse<FastifyReply>();
    const token = this.config.ADMIN_TOKEN;
    if (token === undefined) return this.withoutToken(request);
    if (showsToken(request.headers.authorization, token)) return true;
    // A refused token costs double, so that guessing is slower than working.
    await this.limiter.consume(request, reply);
    void reply.header('www-authenticate', 'Bearer realm="strata"');
    throw new UnauthorizedException('this needs the admin token: send Authorization: Bearer <ADMIN_TOKEN>');
  }

  private withoutToken(request: FastifyRequest): boolean {
    if (this.config.NODE_ENV === 'production') {
      throw new ForbiddenException('refused: set ADMIN_TOKEN to allow this in production');
    }
    if (!isFromThisMachine(request)) {
      throw new ForbiddenException('refused: without ADMIN_TOKEN this is allowed from this machine only');
    }
    // A page of another site that is open in a browser here is on this machine too, but not its user's will.
    if (request.headers['sec-fetch-site'] === 'cross-site') {
      throw new ForbiddenException('refused: the request comes from another site');
    }
    return true;
  }
}

/**
 * The peer of the connection counts, not what headers say; and a proxy, or a page that has its own name
 * resolve to this machine, does not speak for the person in front of it.
 */
function isFromThisMachine(request: FastifyRequest): boolean {
  const { headers, socket } = request;
  if (!LOOPBACK.test(socket.remoteAddress ?? '')) return false;
  if (headers['x-forwarded-for'] !== undefined || headers.forwarded !== undefined) return false;
  return LOCAL_HOST.test(headers.host ?? '');
}
