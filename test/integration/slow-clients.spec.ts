/** What a client does not read is its own affair: nobody else waits for it. */
import type { AddressInfo } from 'node:net';
import { connect } from 'node:net';
import { Controller, Get, Module, type INestApplication } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { ExpressAdapter } from '@nestjs/platform-express';
import { FastifyAdapter } from '@nestjs/platform-fastify';
import { Cacheable, CacheBackend, CacheModule } from '@strata/cache';
import { Gate } from '@strata/cache/testing';
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

@Module({ imports: [CacheModule.forRoot({})], controllers: [ProbeController] })
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
});
