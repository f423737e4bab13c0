import { HttpException, HttpStatus, Inject, Injectable } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { RateLimiterMemory, RateLimiterRes } from 'rate-limiter-flexible';
import { CONFIG } from '../config/config.token';
import type { Config } from '../config/config';

/** Counts writes and cache administration per client and minute, in this instance. */
@Injectable()
export class WriteLimiter {
  private readonly limiter: RateLimiterMemory | undefined;

  constructor(@Inject(CONFIG) config: Config) {
    const points = config.WRITE_RATE_LIMIT;
    this.limiter = points === 0 ? undefined : new RateLimiterMemory({ points, duration: 60 });
  }

  /** @throws HttpException 429 with `Retry-After` */
  async consume(request: FastifyRequest, reply: FastifyReply): Promise<void> {
    if (this.limiter === undefined) return;
    try {
      await this.limiter.consume(request.ip);
    } catch (refused) {
      if (!(refused instanceof RateLimiterRes)) throw refused;
      const seconds = Math.max(1, Math.ceil(refused.msBeforeNext / 1_000));
      void reply.header('retry-after', String(seconds));
      throw new HttpException(`too many writes: try again in ${seconds} s`, HttpStatus.TOO_MANY_REQUESTS);
    }
  }
}
