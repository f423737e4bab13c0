/** What a client does not read is its own affair: nobody else waits for it. */
import type { AddressInfo } from 'node:net';
import { connect } from 'node:net';
import {
  Controller,
  Get,
  Module,
  UseInterceptors,
  type CallHandler,
  type ExecutionContext,
  type INestApplication,
  type NestInterceptor,
} from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { ExpressAdapter } from '@nestjs/platform-express';
import { FastifyAdapter } from '@nestjs/platform-fastify';
import { Cacheable, CacheBackend, CacheModule } from '@strata/cache';
import { Gate } from '@strata/cache/testing';
import { concatMap, type Observable } from 'rxjs';
import request from 'supertest';
import { eventually } from '../support/eventually';

let runs = 0;
let gate = new Gate();

@Controller()
class ProbeController {
  @Get('small')
  @Cacheable({ key: () => 'small', scope: 'public', ttl: '1ms', staleWhileRevalidate: '1h' })
  small(): { runs: number } {
    return { runs: ++runs };
  }

  @Get('held')
  async held(): Promise<string> {
    await gate.pass();
    return 'held';
  }
}

let held = new Gate();

class HoldsBack implements NestInterceptor {
  intercept(context: ExecutionContext, next: CallHandler): Observable<unknown> {
    const { headers } = context.switchToHttp().getRequest<{ headers: Record<string, string> }>();
    if (headers['x-late'] === undefined) return next.handle();
    return next.handle().pipe(concatMap(async (answer: unknown) => (await held.pass(), answer)));
  }
}

@Controller()
@UseInterceptors(HoldsBack)
class LateController {
  @Get('given-late')
  @Cacheable({ key: () => 'late', scope: 'public', ttl: '1ms', staleWhileRevalidate: '1h' })
  late(): { runs: number } {
    return { runs: ++runs };
  }
}

@Module({
  imports: [CacheModule.forRoot({ transparentInterceptors: [HoldsBack] })],
  controllers: [ProbeController, LateController],
})
class ProbeModule {}

describe.each([
  ['Fastify', () => new FastifyAdapter()],
  ['Express', () => new ExpressAdapter()],
])('a stale answer that waits behind another one on its connection, on %s', (_, adapter) => {
  let app: INestApplication;

  beforeAll(async () => {
    app = await NestFactory.create(ProbeModule, adapter() as FastifyAdapter, { logger: false });
    await app.listen(0, '127.0.0.1');
  });

  afterAll(() => app.close());

  it('does not hold up the refresh of its entry', async () => {
    [runs, gate] = [0, new Gate()];
    const { port } = app.getHttpServer().address() as AddressInfo;
    await request(app.getHttpServer()).get('/small').expect(200);
    await new Promise((resolve) => setTimeout(resolve, 5));
    const client = connect(port, '127.0.0.1').on('error', () => undefined);
    const pipelined = ['/held', '/small'].map((path) => `GET ${path} HTTP/1.1\r\nhost: x\r\n\r\n`);
    client.write(pipelined.join(''));
    await eventually(() => runs === 2);
    await app.get(CacheBackend).httpCache().settled();
    client.destroy();
    gate.release();
  });

  it('that nobody gives does not fail those who wait for its refresh with it', async () => {
    [runs, held] = [0, new Gate()];
    await app.get(CacheBackend).strata.clear();
    const http = request(app.getHttpServer());
    await http.get('/given-late').expect(200, { runs: 1 });
    await new Promise((resolve) => setTimeout(resolve, 5));
    const first = http.get('/given-late').set('x-late', '1').then();
    await held.reached;
    await eventually(() => app.get(CacheBackend).strata.tables.flights === 1);
    // Not stale any more: it has to be loaded, and the load under way is the refresh.
    await app.get(CacheBackend).httpCache().expire('late');
    const joined = await http.get('/given-late').expect(200);
    expect((joined.body as { runs: number }).runs).toBe(2);
    held.release();
    expect((await first).status).toBe(200);
  });
});
