import { once } from 'node:events';
import { connect } from 'node:net';
import { Controller, Get, Module, Param, type INestApplication } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { ExpressAdapter } from '@nestjs/platform-express';
import { FastifyAdapter } from '@nestjs/platform-fastify';
import { Cacheable, CacheModule, FastLane, type FastLaneOptions } from '@strata/cache';
import type { FastifyInstance } from 'fastify';
import request from 'supertest';

const seen: string[] = [];

type Hook = (request: unknown, reply: { header(name: string, value: string): unknown }, next: () => void) => void;

@Controller()
class TurnController {
  @Get('kept/:id')
  @Cacheable({ scope: 'public' })
  kept(@Param('id') id: string) {
    return { id };
  }

  @Get('busy')
  busy() {
    seen.push('handler');
    return { id: 'busy' };
  }
}

@Module({ imports: [CacheModule.forRoot({})], controllers: [TurnController] })
class TurnModule {}

describe.each([
  ['Fastify', () => new FastifyAdapter()],
  ['Express', () => new ExpressAdapter()],
])('answers of one turn, on %s', (_name, adapter) => {
  let app: INestApplication;
  let lane: FastLane;
  const http = () => request(app.getHttpServer() as never);

  async function start(options: FastLaneOptions, hook?: Hook): Promise<void> {
    app = await NestFactory.create(TurnModule, adapter() as FastifyAdapter, { logger: false });
    if (hook !== undefined && app.getHttpAdapter().getType() === 'express') app.use(hook);
    else if (hook !== undefined)
      app
        .getHttpAdapter()
        .getInstance<FastifyInstance>()
        .addHook('onRequest', hook);
    lane = app.get(FastLane);
    lane.open(options);
    await app.listen(0, '127.0.0.1');
    for (const id of [1, 2]) for (let time = 0; time < 2; time++) await http().get(`/kept/${id}`).expect(200);
    expect(lane.usage.urls).toBe(2);
    seen.length = 0;
  }

  afterEach(() => app.close());

  /** Sends all requests in one piece, so that one turn of the event loop reads them. */
  async function inOneTurn(paths: string[]): Promise<string[]> {
    const socket = connect((app.getHttpServer().address() as { port: number }).port, '127.0.0.1');
    socket.end(paths.map((path) => `GET ${path} HTTP/1.1\r\nHost: a\r\n\r\n`).join(''));
    let text = '';
    socket.on('data', (chunk) => (text += String(chunk)));
    await once(socket, 'end');
    return [...text.matchAll(/"id":"(\w+)"/g)].map(([, id]) => id!);
  }

  const noting: FastLaneOptions = {
    before: ({ url }) => (seen.push(`found ${url!}`), []),
    after: ({ url }) => void seen.push(`sent ${url!}`),
  };

  it('are sent after all its requests have been looked at', async () => {
    await start(noting);
    expect(await inOneTurn(['/kept/1', '/kept/2', '/kept/1'])).toEqual(['1', '2', '1']);
    const [looked, sent] = ['found', 'sent'].map((what) => [1, 2, 1].map((id) => `${what} /kept/${id}`));
    expect(seen).toEqual([...looked!, ...sent!]);
  });

  it('do not wait for what a handler does meanwhile', async () => {
    await start(noting);
    expect(await inOneTurn(['/kept/1', '/busy', '/kept/1'])).toEqual(['1', 'busy', '1']);
    const handled = seen.indexOf('handler');
    expect(seen.indexOf('sent /kept/1')).toBeGreaterThan(-1);
    expect(seen.indexOf('sent /kept/1')).toBeLessThan(handled);
  });

  it('harm nobody when their client has gone, or their head cannot be written', async () => {
    let value = 'mine';
    const hook: Hook = (_request, reply, next) => {
      reply.header('x-own', 'mine');
      next();
    };
    await start({ before: () => ['x-own', value], standsFor: [hook] }, hook);
    const socket = connect((app.getHttpServer().address() as { port: number }).port, '127.0.0.1');
    await once(socket, 'connect');
    socket.write('GET /kept/1 HTTP/1.1\r\nHost: a\r\n\r\n', () => socket.resetAndDestroy());
    await once(socket, 'close');
    value = 'not\na header';
    const answer = await http().get('/kept/1').expect(200);
    expect(answer.headers['x-own']).toBe('mine');
  });
});
