import { readFileSync } from 'node:fs';
import { request as send, type IncomingHttpHeaders } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import {
  Controller,
  Delete,
  Get,
  Headers,
  HttpException,
  InternalServerErrorException,
  Module,
  Post,
  Put,
  Res,
  type INestApplication,
} from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { ExpressAdapter } from '@nestjs/platform-express';
import { FastifyAdapter } from '@nestjs/platform-fastify';
import { Cacheable, CacheBackend, CacheEvict, CacheModule, withHeaders } from '@strata/cache';
import { ROUTES, type Case, type Origin, type Step } from './case';
import { CASES } from './cases';
import { conformanceTable } from './table';
import { rehearsed } from '../support/rehearsed';

interface Reply {
  header(name: string, value: string | string[]): unknown;
  status(status: number): unknown;
}

let calls = 0;
let origin: (n: number) => Origin = () => ({});

function answer(reply: Reply): unknown {
  const { headers = {}, onResponse = {}, throws, status } = origin(++calls);
  for (const [name, value] of Object.entries(onResponse)) reply.header(name, value);
  if (throws !== undefined) throw new HttpException(`call ${calls}`, throws);
  if (status !== undefined) reply.status(status);
  return withHeaders({ n: calls }, headers);
}

@Controller()
class Routes {}

/** One `@Cacheable` handler for each set of options, and the writes that invalidate. */
function defineRoutes(): void {
  const prototype = Routes.prototype as unknown as Record<string, unknown>;
  const define = (name: string, method: unknown, decorators: readonly MethodDecorator[]): void => {
    prototype[name] = method;
    Object.defineProperty(method, 'name', { value: name });
    const descriptor = Object.getOwnPropertyDescriptor(prototype, name)!;
    for (const decorate of decorators) decorate(prototype, name, descriptor);
    Object.defineProperty(prototype, name, descriptor);
  };
  for (const [name, options] of Object.entries(ROUTES)) {
    Res({ passthrough: true })(prototype, name, 0);
    const handler = async (reply: Reply): Promise<unknown> => answer(reply);
    define(name, handler, [Cacheable({ key: () => name, ...options }), Get(name)]);
  }
  for (const [method, decorate] of Object.entries({ post: Post, put: Put, delete: Delete })) {
    Headers('x-fail')(prototype, method, 0);
    const handler = async (fails: string | undefined): Promise<object> => {
      if (fails !== undefined) throw new InternalServerErrorException();
      return {};
    };
    define(method, handler, [CacheEvict({ tags: () => ['item'] }), decorate('tagged')]);
  }
  Res({ passthrough: true })(prototype, 'freshPost', 0);
  define('freshPost', (reply: Reply) => (reply.status(200), answer(reply)), [
    Cacheable({ key: () => 'fresh' }),
    Post('fresh'),
  ]);
}

defineRoutes();

@Module({
  imports: [CacheModule.forRoot({ mayRefresh: ({ headers }) => headers['x-admin'] === 'yes' })],
  controllers: [Routes],
})
class ConformanceModule {}

const adapters = { Fastify: () => new FastifyAdapter(), Express: () => new ExpressAdapter() };

interface Answer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly text: string;
}

describe('docs/reference/conformance.md', () => {
  it('shows the table of these cases', () => {
    const page = readFileSync(join(__dirname, '../../docs/reference/conformance.md'), 'utf8');
    expect(page).toContain(conformanceTable(CASES));
  });

  it('names each id once', () => {
    const ids = CASES.map(({ id }) => id);
    expect(ids.filter((id, i) => ids.indexOf(id) !== i)).toEqual([]);
  });
});

describe.each(Object.entries(adapters))('http-tests/cache-tests on %s', (_name, adapter) => {
  let app: INestApplication;
  let backend: CacheBackend;
  let elapsed = 0;

  beforeAll(async () => {
    app = await NestFactory.create(ConformanceModule, adapter() as FastifyAdapter, { logger: false });
    rehearsed(app);
    await app.listen(0, '127.0.0.1');
    backend = app.get(CacheBackend);
  });

  beforeEach(async () => {
    await backend.strata.clear();
    [calls, elapsed] = [0, 0];
    const { now } = Date;
    jest.spyOn(Date, 'now').mockImplementation(() => now() + elapsed);
  });

  afterEach(() => jest.restoreAllMocks());
  afterAll(() => app.close());

  const ask = (route: string, { method = 'GET', headers = {} }: Step): Promise<Answer> =>
    new Promise((resolve, reject) => {
      const { port } = (app.getHttpServer() as unknown as { address(): AddressInfo }).address();
      const all = { 'accept-encoding': 'identity', ...headers } as Record<string, string | string[]>;
      const outgoing = send({ host: '127.0.0.1', port, path: `/${route}`, method, headers: all }, (incoming) => {
        const parts: Buffer[] = [];
        incoming.on('data', (part: Buffer) => parts.push(part));
        incoming.on('end', () =>
          resolve({
            status: incoming.statusCode!,
            headers: incoming.headers,
            text: Buffer.concat(parts).toString(),
          }),
        );
      });
      outgoing.on('error', reject).end();
    });

  async function check(route: string, step: Step): Promise<void> {
    elapsed += step.after ?? 0;
    const before = calls;
    const { status, headers, text } = await ask(route, step);
    await backend.httpCache().settled();
    expect(status).toBe(step.status ?? 200);
    if (step.is === 'hit')
      expect([calls - before, headers['cache-status']]).toEqual([0, expect.stringContaining('hit')]);
    if (step.is === 'load') {
      expect([calls - before, headers['cache-status']]).toEqual([1, expect.stringContaining('stored')]);
    }
    if (step.is === 'pass') {
      expect(calls - before).toBe(1);
      expect(headers['cache-status']).not.toContain('stored');
    }
    if (step.of !== undefined) expect(JSON.parse(text)).toEqual({ n: step.of });
    for (const [name, value] of Object.entries(step.has ?? {})) {
      if (value instanceof RegExp) expect(headers[name]).toMatch(value);
      else expect([name, headers[name]]).toEqual([name, value]);
    }
  }

  const told = ({ id, differs }: Case): string => (differs === undefined ? id : `${id}: differs, ${differs}`);

  it.each(CASES.map((one) => [told(one), one] as const))('%s', async (_told, { route, origin: given, steps }) => {
    origin = typeof given === 'function' ? given : () => given ?? {};
    for (const step of steps) await check(route, step);
  });
});
