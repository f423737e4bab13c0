import { AsyncLocalStorage } from 'node:async_hooks';
import { once } from 'node:events';
import type { IncomingMessage, Server } from 'node:http';
import { connect, type AddressInfo, type Socket } from 'node:net';
import { setImmediate as turn } from 'node:timers/promises';
import {
  Controller,
  Get,
  Logger,
  Module,
  Param,
  Post,
  UseGuards,
  type CanActivate,
  type INestApplication,
} from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { ExpressAdapter } from '@nestjs/platform-express';
import { FastifyAdapter, type NestFastifyApplication } from '@nestjs/platform-fastify';
import { Cacheable, CacheModule, FastLane, NoCache, type FastLaneOptions } from '@strata/cache';
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
  @Cacheable({ condition: () => false })
  busy() {
    seen.push('handler');
    return { id: 'busy' };
  }

  @Get('off')
  @Cacheable({ scope: 'public' })
  @NoCache()
  off() {
    return this.busy();
  }

  @Post('busy')
  post() {
    return this.busy();
  }
}

@Module({ imports: [CacheModule.forRoot({})], controllers: [TurnController] })
class TurnModule {}

const serverOf = (app: INestApplication): Server => app.getHttpServer() as Server;
const portOf = (app: INestApplication): number => (serverOf(app).address() as AddressInfo).port;

function addHook(app: INestApplication, hook: Hook): void {
  const adapter = app.getHttpAdapter();
  if (adapter.getType() === 'express') app.use(hook);
  else (adapter.getInstance() as FastifyInstance).addHook('onRequest', hook as never);
}

/** Sends all requests in one piece, so that one turn of the event loop reads them. */
async function inOneTurn(app: INestApplication, paths: string[]): Promise<string[]> {
  const socket = connect(portOf(app), '127.0.0.1');
  socket.end(paths.map((path) => `${path.startsWith('/') ? 'GET ' : ''}${path} HTTP/1.1\r\nHost: a\r\n\r\n`).join(''));
  let text = '';
  socket.on('data', (chunk) => (text += String(chunk)));
  await once(socket, 'end');
  return [...text.matchAll(/"id":"(\w+)"/g)].map(([, id]) => id!);
}

/** More than are ever sent at once. */
const CROWD = 20;

describe.each([
  ['Fastify', () => new FastifyAdapter()],
  ['Express', () => new ExpressAdapter()],
])('answers of one turn, on %s', (_name, adapter) => {
  let app: INestApplication;
  let lane: FastLane;
  const http = () => request(app.getHttpServer() as never);

  async function start(options: FastLaneOptions, hook?: Hook): Promise<void> {
    app = await NestFactory.create(TurnModule, adapter() as FastifyAdapter, { logger: false });
    if (hook !== undefined) addHook(app, hook);
    lane = app.get(FastLane);
    lane.open(options);
    await app.listen(0, '127.0.0.1');
    for (const id of [1, 2]) for (let time = 0; time < 2; time++) await http().get(`/kept/${id}`).expect(200);
    expect(lane.usage.urls).toBe(2);
    // Of those that come one by one, most are sent at once.
    await inOneTurn(app, Array<string>(CROWD).fill('/kept/1'));
    seen.length = 0;
  }

  afterEach(() => app.close());

  const noting: FastLaneOptions = {
    before: ({ url }) => (seen.push(`found ${url!}`), []),
    after: ({ url }) => void seen.push(`sent ${url!}`),
  };

  it('are sent after all its requests have been looked at', async () => {
    await start(noting);
    expect(await inOneTurn(app, ['/kept/1', '/kept/2', '/kept/1'])).toEqual(['1', '2', '1']);
    const [looked, sent] = ['found', 'sent'].map((what) => [1, 2, 1].map((id) => `${what} /kept/${id}`));
    expect(seen).toEqual([...looked!, ...sent!]);
  });

  it.each(['/busy', '/off', 'POST /busy'])('do not wait for what a handler does meanwhile (%s)', async (busy) => {
    await start(noting);
    expect(await inOneTurn(app, ['/kept/1', busy, '/kept/1'])).toEqual(['1', 'busy', '1']);
    const handled = seen.indexOf('handler');
    expect(seen.indexOf('sent /kept/1')).toBeGreaterThan(-1);
    expect(seen.indexOf('sent /kept/1')).toBeLessThan(handled);
  });

  it('leave before the server closes its connections, also where that begins in the same turn', async () => {
    let closing: Promise<void> | undefined;
    let isLast = false;
    const before = (): readonly string[] => {
      if (isLast) closing ??= app.close();
      return [];
    };
    await start({ before });
    const socket = connect(portOf(app), '127.0.0.1');
    const ended = once(socket, 'close');
    const ask = async (): Promise<string> => {
      socket.write('GET /kept/1 HTTP/1.1\r\nHost: a\r\n\r\n');
      return String((await once(socket, 'data'))[0]);
    };
    await ask();
    isLast = true;
    expect(await ask()).toContain('"id":"1"');
    // Else the connection would be kept for the next request, which nobody sends.
    await expect(closing).resolves.toBeUndefined();
    expect(serverOf(app).listening).toBe(false);
    expect(await ended).toEqual([false]);
  });

  it('leave out one whose connection is gone by then', async () => {
    const [error, looked] = [jest.spyOn(Logger.prototype, 'error').mockImplementation(), new Set<IncomingMessage>()];
    let isWatched = false;
    const before = (request: IncomingMessage): readonly string[] => {
      // The second one: the first is decided, and waits.
      for (const { socket } of isWatched ? looked : []) socket.destroy();
      if (isWatched) looked.add(request);
      return [];
    };
    await start({ before, after: ({ url }) => void seen.push(`sent ${url!}`) });
    const sockets = [1, 2].map(() => connect(portOf(app), '127.0.0.1')) as [Socket, Socket];
    const ask = (): void => {
      for (const [i, socket] of sockets.entries()) socket.write(`GET /kept/${i + 1} HTTP/1.1\r\nHost: a\r\n\r\n`);
    };
    // Both are accepted once they have been answered: what they ask for from then on is read in one turn.
    ask();
    await Promise.all(sockets.map((socket) => once(socket, 'data')));
    const [gone, { bytesRead }] = [once(sockets[0], 'close'), sockets[0]];
    [isWatched, seen.length] = [true, 0];
    const answered = once(sockets[1], 'data');
    ask();
    expect(String((await answered)[0])).toContain('"id":"2"');
    await gone;
    expect(looked.size).toBe(2);
    expect(sockets[0].bytesRead).toBe(bytesRead);
    expect(seen).toEqual(['sent /kept/1', 'sent /kept/2']);
    expect(error).not.toHaveBeenCalled();
    error.mockRestore();
    sockets[1].destroy();
  });

  it('take the whole way when their head cannot be written', async () => {
    let value = 'mine';
    const hook: Hook = (_request, reply, next) => {
      reply.header('x-own', 'mine');
      next();
    };
    await start({ before: () => ['x-own', value], standsFor: [hook] }, hook);
    const { answers } = lane.usage;
    value = 'not\na header';
    const answer = await http().get('/kept/1').expect(200);
    expect(answer.headers['x-own']).toBe('mine');
    expect(lane.usage.answers).toBe(answers);
  });
});

describe('answers of one turn, behind the interceptor', () => {
  let app: NestFastifyApplication;
  let sockets: Socket[];
  /** What has been put on the way of the next answers. */
  let onSend: (() => void) | undefined;
  let onRequest: ((url: string, socket: Socket) => void) | undefined;
  let onFinish: ((url: string) => void) | undefined;

  beforeEach(async () => {
    app = await NestFactory.create<NestFastifyApplication>(TurnModule, new FastifyAdapter(), { logger: false });
    const fastify = app.getHttpAdapter().getInstance();
    fastify.addHook('onRequest', (asked, reply, next) => {
      seen.push(`looked ${asked.url}`);
      onRequest?.(asked.url, asked.raw.socket);
      reply.raw.on('finish', () => {
        seen.push(`sent ${asked.url}`);
        onFinish?.(asked.url);
      });
      next();
    });
    fastify.addHook('onSend', (_asked, _reply, payload, next) => {
      onSend?.();
      next(null, payload);
    });
    await app.listen(0, '127.0.0.1');
    const port = portOf(app);
    sockets = [1, 2, 3].map(() => connect(port, '127.0.0.1'));
    await Promise.all(sockets.map((socket) => once(socket, 'connect')));
    await request(app.getHttpServer()).get('/kept/1').expect(200);
    // Of those that come one by one, most are sent at once.
    await inOneTurn(app, Array<string>(CROWD).fill('/kept/1'));
    [onSend, onRequest, onFinish, seen.length] = [undefined, undefined, undefined, 0];
  });

  afterEach(async () => {
    for (const socket of sockets) socket.destroy();
    await app.close();
  });

  /** Over a local connection, what is written is there to be read at once: one turn sees all of it. */
  async function onAllSockets(path: string): Promise<string[]> {
    for (const socket of sockets) socket.write(`GET ${path} HTTP/1.1\r\nHost: a\r\n\r\n`);
    return Promise.all(sockets.map(async (socket) => String((await once(socket, 'data'))[0])));
  }

  it('are sent after all requests have been looked at', async () => {
    for (const answer of await onAllSockets('/kept/1')) {
      expect(answer).toMatch(/^HTTP\/1\.1 200 OK\r\n/);
      expect(answer).toContain('detail=L1');
      expect(answer).toMatch(/\r\n\r\n\{"id":"1"\}$/);
    }
    expect(seen).toEqual([...Array<string>(3).fill('looked /kept/1'), ...Array<string>(3).fill('sent /kept/1')]);
  });

  it.each([1, 10, 100])('wait for hooks that take %d steps, which run once', async (steps) => {
    const fastify = await NestFactory.create<NestFastifyApplication>(TurnModule, new FastifyAdapter(), {
      logger: false,
    });
    let runs = 0;
    fastify
      .getHttpAdapter()
      .getInstance()
      .addHook('onSend', async (_asked, _reply, payload) => {
        runs++;
        for (let i = 0; i < (payload === undefined ? 0 : steps); i++) await Promise.resolve();
        return payload;
      });
    await fastify.listen(0, '127.0.0.1');
    for (let i = 0; i < 4; i++) {
      const { text, headers } = await request(fastify.getHttpServer()).get('/kept/1').expect(200);
      expect([text, headers['content-length']]).toEqual(['{"id":"1"}', '10']);
    }
    expect(runs).toBe(4);
    await fastify.close();
  });

  it('belong to the asynchronous context of their own request', async () => {
    const seenBy: string[] = [];
    const storage = new AsyncLocalStorage<string>();
    onRequest = (url) => storage.enterWith(url);
    onFinish = (url) => seenBy.push(`${url} in ${storage.getStore()!}`);
    await request(app.getHttpServer()).get('/kept/2').expect(200);
    seenBy.length = 0;
    for (const [i, socket] of sockets.entries()) socket.write(`GET /kept/${1 + (i % 2)} HTTP/1.1\r\nHost: a\r\n\r\n`);
    await Promise.all(sockets.map((socket) => once(socket, 'data')));
    expect(seenBy).toEqual([1, 2, 1].map((id) => `/kept/${id} in /kept/${id}`));
  });

  it('leave before the server closes its connections, also where that begins in the same turn', async () => {
    let closing: Promise<void> | undefined;
    onSend = () => void (closing ??= app.close());
    const [socket, ...others] = sockets as [Socket, Socket, Socket];
    // Node does not count a connection as idle that has not asked for anything.
    for (const other of others) other.destroy();
    const ended = once(socket, 'close');
    socket.write('GET /kept/1 HTTP/1.1\r\nHost: a\r\n\r\n');
    expect(String((await once(socket, 'data'))[0])).toContain('"id":"1"');
    await expect(closing).resolves.toBeUndefined();
    expect(serverOf(app).listening).toBe(false);
    // Ended by the server, and by no error.
    expect(await ended).toEqual([false]);
  });

  it('are not waited for where a handler runs', async () => {
    await onAllSockets('/busy');
    expect(seen.slice(0, 3)).toEqual(['looked /busy', 'handler', 'sent /busy']);
  });

  it('leave out one whose connection is gone by then', async () => {
    const looked: Socket[] = [];
    onRequest = (_url, socket) => {
      // The second one: the first is decided, and waits.
      if (looked.push(socket) === 2) looked[0]!.destroy();
    };
    const gone = once(sockets[0]!, 'close');
    const answers = sockets.slice(1).map((socket) => once(socket, 'data'));
    for (const socket of sockets) socket.write('GET /kept/1 HTTP/1.1\r\nHost: a\r\n\r\n');
    for (const [answer] of await Promise.all(answers)) expect(String(answer)).toContain('"id":"1"');
    await gone;
    expect(sockets[0]!.bytesRead).toBe(0);
    expect(looked).toHaveLength(3);
  });
});

describe('a deadline of Fastify', () => {
  class Late implements CanActivate {
    static isLate = false;
    async canActivate(): Promise<boolean> {
      if (!Late.isLate) return true;
      await turn();
      // The deadline is over, and what is due comes after this turn.
      for (const until = Date.now() + 60; Date.now() < until;);
      return true;
    }
  }

  @Controller()
  class LateController {
    @Get('late')
    @UseGuards(Late)
    @Cacheable({ scope: 'public' })
    late() {
      return { id: 'late' };
    }
  }

  @Module({ imports: [CacheModule.forRoot({})], controllers: [LateController] })
  class LateModule {}

  it('does not take a hit that has been answered for one that hangs', async () => {
    const adapter = new FastifyAdapter({ handlerTimeout: 40 } as never);
    const app = await NestFactory.create<NestFastifyApplication>(LateModule, adapter, { logger: false });
    await app.listen(0, '127.0.0.1');
    await request(app.getHttpServer()).get('/late').expect(200);
    Late.isLate = true;
    const answer = await request(app.getHttpServer()).get('/late').expect(200);
    expect(answer.headers['cache-status']).toContain('detail=L1');
    await app.close();
  });
});
