/**
 * Random requests against routes that answer with what they are asked by, on both adapters. The answer to each
 * request is known beforehand, for handlers are functions of their declared inputs: an answer of another user, or
 * an entry that somebody has poisoned, shows as the wrong body. Long form: `FUZZ_RUNS=5000 npm run test:fuzz`.
 */
import { Agent, request as send, type IncomingHttpHeaders } from 'node:http';
import type { AddressInfo } from 'node:net';
import { brotliDecompressSync, gunzipSync } from 'node:zlib';
import {
  Controller,
  Get,
  Headers,
  Module,
  NotFoundException,
  Param,
  Query,
  Res,
  type INestApplication,
} from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { ExpressAdapter } from '@nestjs/platform-express';
import { FastifyAdapter } from '@nestjs/platform-fastify';
import { Cacheable, CacheBackend, CacheModule, canonicalKey, withHeaders, type CacheRequest } from '@strata/cache';
import fc from 'fast-check';
import { rehearsed } from '../support/rehearsed';

const RUNS = Number(process.env['FUZZ_RUNS'] ?? 60);
/** Most reads find it stale, and refresh behind the answer. */
const BRIEFLY = { ttl: 1, staleWhileRevalidate: '1h' } as const;
const PADDING = 'x'.repeat(1_200);

const userOf = ({ headers }: Pick<CacheRequest, 'headers'>): string | undefined =>
  /^Bearer (\w+)$/.exec(String(headers['authorization']))?.[1];

interface Reply {
  header(name: string, value: string): unknown;
}

@Controller()
class FuzzController {
  @Get('item/:id')
  @Cacheable({ scope: 'public' })
  item(@Param('id') id: string, @Query('view') view?: string) {
    if (id === 'none') throw new NotFoundException();
    return { route: 'item', id, view: view ?? null, PADDING };
  }

  @Get('raw/:slug')
  @Cacheable({ key: ({ params }) => params['slug'], scope: 'public' })
  raw(@Param('slug') slug: string) {
    return { route: 'raw', slug };
  }

  @Get('me')
  @Cacheable({ key: ({ query }) => canonicalKey('me', { view: query['view'] as string }), ...BRIEFLY, scope: 'user' })
  me(@Headers('authorization') authorization: string, @Query('view') view?: string) {
    return { route: 'me', user: userOf({ headers: { authorization } }) ?? null, view: view ?? null };
  }

  @Get('echo')
  @Cacheable({ scope: 'public', vary: ['X-Echo'] })
  echo(@Headers('x-echo') echo?: string) {
    return { route: 'echo', echo: echo ?? null };
  }

  /** Tells in `Vary` what it has read without declaring it. */
  @Get('honest')
  @Cacheable({ key: () => 'honest', scope: 'public' })
  honest(@Headers('x-forwarded-host') host?: string) {
    return withHeaders({ route: 'honest', host: host ?? null }, { vary: 'X-Forwarded-Host' });
  }

  @Get('welcome')
  @Cacheable({ key: () => 'welcome', scope: 'public' })
  welcome(@Headers('authorization') authorization: string | undefined, @Res({ passthrough: true }) reply: Reply) {
    const user = userOf({ headers: { authorization } }) ?? null;
    if (user !== null) reply.header('set-cookie', `user=${user}`);
    return { route: 'welcome', user };
  }

  @Get('undeclared')
  @Cacheable()
  undeclared() {
    return { route: 'undeclared' };
  }
}

@Module({
  imports: [CacheModule.forRoot({ identify: (_scope, request) => userOf(request), defaults: { maxEntries: 200 } })],
  controllers: [FuzzController],
})
class FuzzModule {}

interface Asked {
  readonly route: 'item' | 'raw' | 'me' | 'echo' | 'honest' | 'welcome' | 'undeclared';
  readonly user: string | undefined;
  readonly text: string;
  readonly view: string | undefined;
  readonly junk: Readonly<Record<string, string>>;
  readonly extra: string;
  readonly method: 'GET' | 'HEAD';
}

const text = fc.oneof(
  fc.constantFrom(
    '1',
    'none',
    '\u00014:mine?user=alice',
    'me',
    '..',
    'a/b',
    'x;y',
    'a,b',
    '%00',
    '__proto__',
    '7?user=bob',
  ),
  fc.string({ minLength: 1, maxLength: 12, unit: 'grapheme' }),
);
const headerText = fc.string({ maxLength: 20 }).map((value) => value.replace(/[^\x20-\x7e]/g, '').trim());
const JUNK = {
  'x-forwarded-host': fc.constantFrom('evil.example', 'a.example'),
  'x-original-url': fc.constantFrom('/me', '/item/2'),
  'x-http-method-override': fc.constantFrom('POST', 'DELETE'),
  'x-echo': headerText,
  'x-user': fc.constantFrom('alice', 'bob'),
  'cache-control': fc.constantFrom('no-cache', 'no-store', 'max-age=0', 'only-if-cached', 'private', 'x"'),
  'cache-status': fc.constant('strata; hit'),
  'accept-encoding': fc.constantFrom('br', 'gzip', 'identity', 'br;q=0, *', 'x, gzip;q=0.1'),
  'if-none-match': fc.constantFrom('*', '"x"', 'W/"x', 'x'),
  'if-modified-since': fc.constantFrom('Wed, 21 Oct 2015 07:28:00 GMT', 'x'),
  range: fc.constantFrom('bytes=0-1', 'x'),
  cookie: fc.constantFrom('user=alice', 'x'),
  pragma: fc.constant('no-cache'),
  origin: fc.constantFrom('https://a.example', 'null'),
};
const junk = fc.record(JUNK, { requiredKeys: [] }) as fc.Arbitrary<Record<string, string>>;
const asked: fc.Arbitrary<Asked> = fc.record({
  route: fc.constantFrom('item', 'item', 'raw', 'me', 'me', 'echo', 'honest', 'welcome', 'undeclared'),
  user: fc.constantFrom(undefined, 'alice', 'bob', 'carol'),
  text,
  view: fc.option(fc.constantFrom('a', 'b', 'a&b', ''), { nil: undefined }),
  junk,
  extra: fc.constantFrom('', '&junk=1', '&utm_source=x', '&user=alice', '&__proto__=1'),
  method: fc.constantFrom('GET', 'GET', 'GET', 'HEAD'),
});

/** The one right body. */
function expected({ route, user, text: slug, view, junk: headers }: Asked): object {
  const bodies = {
    item: { route, id: slug, view: view ?? null, PADDING },
    raw: { route, slug },
    me: { route, user: user ?? null, view: view ?? null },
    echo: { route, echo: headers['x-echo'] ?? null },
    honest: { route, host: headers['x-forwarded-host'] ?? null },
    welcome: { route, user: user ?? null },
    undeclared: { route },
  };
  return bodies[route];
}

function pathOf({ route, text: slug, view, extra }: Asked): string {
  const path = route === 'item' || route === 'raw' ? `/${route}/${encodeURIComponent(slug)}` : `/${route}`;
  const query = `${view === undefined ? '' : `view=${encodeURIComponent(view)}`}${extra}`.replace(/^&/, '');
  return query === '' ? path : `${path}?${query}`;
}

interface Answer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

const DECODERS: Readonly<Record<string, (bytes: Buffer) => Buffer>> = { br: brotliDecompressSync, gzip: gunzipSync };
const adapters = { Fastify: () => new FastifyAdapter(), Express: () => new ExpressAdapter() };

describe.each(Object.entries(adapters))('random requests on %s', (_name, adapter) => {
  let app: INestApplication;
  const agent = new Agent({ keepAlive: true, maxSockets: 8 });

  beforeAll(async () => {
    app = await NestFactory.create(FuzzModule, adapter() as FastifyAdapter, { logger: false });
    rehearsed(app, 50);
    await app.listen(0, '127.0.0.1');
  });

  afterAll(async () => {
    agent.destroy();
    await app.close();
  });

  const ask = (one: Asked): Promise<Answer> =>
    new Promise((resolve, reject) => {
      const { port } = (app.getHttpServer() as unknown as { address(): AddressInfo }).address();
      const headers = { ...one.junk, ...(one.user === undefined ? {} : { authorization: `Bearer ${one.user}` }) };
      const target = { host: '127.0.0.1', port, agent, path: pathOf(one), method: one.method, headers };
      send(target, (incoming) => {
        const parts: Buffer[] = [];
        incoming.on('data', (part: Buffer) => parts.push(part));
        incoming.on('end', () => {
          const bytes = Buffer.concat(parts);
          const decode = DECODERS[incoming.headers['content-encoding'] ?? ''];
          const body = (decode === undefined || bytes.length === 0 ? bytes : decode(bytes)).toString();
          resolve({ status: incoming.statusCode!, headers: incoming.headers, body });
        });
      })
        .on('error', reject)
        .end();
    });

  function judge(one: Asked, { status, headers, body }: Answer): void {
    // A session cookie of somebody else would be the worst of all.
    const cookie = String(headers['set-cookie'] ?? '');
    if (cookie !== '') expect(cookie).toBe(`user=${one.user}`);
    if (status === 504) return expect(one.junk['cache-control']).toBe('only-if-cached');
    if (status === 404) return expect(one.route === 'item' || one.route === 'raw').toBe(true);
    if (status === 400) return expect(one.text).toMatch(/[^a-z0-9]/i);
    if (status === 304) return expect(one.junk['if-none-match']).toBe('*');
    expect(status).toBe(200);
    // A route that is declared public may greet anybody as nobody, but never as somebody else.
    const anonymous = one.route === 'welcome' ? [expected({ ...one, user: undefined })] : [];
    if (one.method === 'GET') expect([expected(one), ...anonymous]).toContainEqual(JSON.parse(body));
    if (one.user !== undefined && ['me', 'undeclared'].includes(one.route)) {
      expect(headers['cache-control']).toContain('private');
    }
  }

  it('are each answered with what was asked for, whoever has asked before and at the same time', async () => {
    const property = fc.asyncProperty(fc.array(asked, { minLength: 5, maxLength: 40, size: 'max' }), async (all) => {
      const answers = await Promise.all(all.map(ask));
      answers.forEach((answer, i) => judge(all[i]!, answer));
    });
    await fc.assert(property, { numRuns: RUNS, endOnFailure: true });
    const { size, bounds } = app.get(CacheBackend).httpCache().localUsage;
    expect(size).toBeLessThanOrEqual(bounds.maxEntries);
  });
});
