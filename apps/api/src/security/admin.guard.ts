import { createHash, timingSafeEqual } from 'node:crypto';
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
import { WriteLimiter } from './write-limiter';

const LOOPBACK = /^(127(\.\d{1,3}){3}|::1|::ffff:127(\.\d{1,3}){3})$/;

/** Lets through who shows `ADMIN_TOKEN`; without one configured, loopback callers outside production. */
@Injectable()
export class AdminGuard implements CanActivate {
  constructor(
    @Inject(CONFIG) private readonly config: Config,
    private readonly limiter: WriteLimiter,
  ) {}

  async canActivate(context: ExecutionContext): Promise<boolean> {
    const request = context.switchToHttp().getRequest<FastifyRequest>();
    const reply = context.switchToHttp().getResponse<FastifyReply>();
    await this.limiter.consume(request, reply);
    const token = this.config.ADMIN_TOKEN;
    if (token === undefined) return this.withoutToken(request);
    const given = /^Bearer +(\S+)$/i.exec(request.headers.authorization ?? '')?.[1];
    if (given !== undefined && sameText(given, token)) return true;
    // A refused token costs double, so that guessing is slower than working.
    await this.limiter.consume(request, reply);
    void reply.header('www-authenticate', 'Bearer realm="strata"');
    throw new UnauthorizedException('this needs the admin token: send Authorization: Bearer <ADMIN_TOKEN>');
  }

  private withoutToken(request: FastifyRequest): boolean {
    if (this.config.NODE_ENV === 'production') {
      throw new ForbiddenException('refused: set ADMIN_TOKEN to allow this in production');
    }
    if (!LOOPBACK.test(request.ip)) {
      throw new ForbiddenException('refused: without ADMIN_TOKEN this is allowed from this machine only');
    }
    // A page of another site that is open in a browser here is on this machine too, but not its user's will.
    if (request.headers['sec-fetch-site'] === 'cross-site') {
      throw new ForbiddenException('refused: the request comes from another site');
    }
    return true;
  }
}

/** Constant time in the length and content of the secret: both sides are digested first. */
function sameText(a: string, b: string): boolean {
  const digest = (text: string): Buffer => createHash('sha256').update(text).digest();
  return timingSafeEqual(digest(a), digest(b));
}
