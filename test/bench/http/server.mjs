// One contestant in a process of its own: node test/bench/http/server.mjs <name> <port>. Bodies are those of the
// service's answers (environment PRODUCT, LIST; GZIP: the list compressed), so that all send the same bytes.
import 'reflect-metadata';
import { createRequire } from 'node:module';
import { createServer } from 'node:http';
import { join } from 'node:path';
import { CacheInterceptor, CacheModule, CacheTTL } from '@nestjs/cache-manager';
import { Controller, Get, Header, Module, Req, Res, UseInterceptors } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { ExpressAdapter } from '@nestjs/platform-express';
import { FastifyAdapter } from '@nestjs/platform-fastify';
import KeyvRedis from '@keyv/redis';
import Fastify from 'fastify';
import { Keyv } from 'keyv';
import { of } from 'rxjs';

const [, , name, port] = process.argv;
const [product, list, gzip] = ['PRODUCT', 'LIST', 'GZIP'].map((part) => Buffer.from(process.env[part], 'base64'));
const TYPE = 'application/json; charset=utf-8';
const STORES = { memory: [], two: [new Keyv(), new Keyv({ store: new KeyvRedis(process.env.REDIS_URL) })] };

/** The least that an interceptor can do: it answers the product, whatever is asked for. */
class Constant {
  intercept(context) {
    context.switchToHttp().getResponse().header('content-type', TYPE);
    return of(product);
  }
}

const contestants = {
  'node:http': () => plain({}),
  'node:http, all headers': () => plain(JSON.parse(process.env.HEADERS)),
  fastify,
  'Nest + Fastify': () => nest(new FastifyAdapter(), [product, list]),
  'Nest + Fastify, interceptor': () => nest(new FastifyAdapter(), [product, list], { interceptor: Constant }),
  'Strata, fast lane': () => strata(true),
  'Strata, interceptor': () => strata(false),
  'CacheInterceptor, Fastify': () => cached(new FastifyAdapter(), 'memory'),
  'CacheInterceptor, 2 stores': () => cached(new FastifyAdapter(), 'two'),
  'CacheInterceptor, Express': () => cached(new ExpressAdapter(), 'memory'),
};
await contestants[name]();
process.send('ready');

/** Heads are made once: what is measured is sending them. */
async function plain(further) {
  const head = (body, coding = {}) =>
    Object.entries({ ...further, ...coding, 'content-type': TYPE, 'content-length': String(body.length) }).flat();
  const answers = {
    one: [product, head(product)],
    many: [list, head(list)],
    zipped: [gzip, head(gzip, { 'content-encoding': 'gzip' })],
  };
  const notModified = Object.entries(further).flat();
  const server = createServer((request, response) => {
    if (request.headers['if-none-match'] !== undefined) return void response.writeHead(304, notModified).end();
    const isOne = request.url === '/products/7';
    const name = isOne ? 'one' : request.headers['accept-encoding'] === undefined ? 'many' : 'zipped';
    const [body, headers] = answers[name];
    response.writeHead(200, headers).end(body);
  });
  await new Promise((resolve) => server.listen(Number(port), '127.0.0.1', resolve));
}

async function fastify() {
  const app = Fastify();
  app.get('/products/:id', (_request, reply) => reply.type(TYPE).send(product));
  app.get('/products', (request, reply) => {
    if (request.headers['accept-encoding'] === undefined) return reply.type(TYPE).send(list);
    return reply.type(TYPE).header('content-encoding', 'gzip').send(gzip);
  });
  await app.listen({ port: Number(port), host: '127.0.0.1' });
}

/** Caches objects: what its documentation shows. */
function cached(adapter, stores) {
  const given = stores === 'memory' ? {} : { stores: STORES.two };
  const imports = [CacheModule.register({ ttl: 3_600_000, ...given })];
  const decorate = CacheTTL(3_600_000);
  return nest(adapter, [JSON.parse(product), JSON.parse(list)], { imports, decorate, interceptor: CacheInterceptor });
}

/** The library in the same bare application as the others: L1, Redis, acknowledged invalidation. */
async function strata(isLaneOpen) {
  const library = createRequire(import.meta.url)(join(process.cwd(), 'dist/libs/cache/src/index.js'));
  const namespace = `bench-${process.pid}`;
  const imports = [library.CacheModule.forRoot({ redis: { url: process.env.REDIS_URL }, namespace })];
  const decorate = library.Cacheable({
    ttl: '1h',
    scope: 'public',
    key: ({ params, query }) => library.canonicalKey('products', { ...params, ...query }),
    tags: ({ params }) => [params.id === undefined ? 'products' : `product:${params.id}`],
  });
  const prepare = (app) => isLaneOpen && app.get(library.FastLane).open();
  await nest(new FastifyAdapter(), [JSON.parse(product), JSON.parse(list)], { imports, decorate, prepare });
}

/** @param decorate what is written on each handler; without it they answer constant bytes */
async function nest(adapter, [one, many], { imports = [], decorate, interceptor, prepare } = {}) {
  // Decorators by hand: this file is not compiled.
  class Products {
    find() {
      return one;
    }
    list(request, reply) {
      if (request?.headers['accept-encoding'] === undefined) return many;
      reply.header('content-encoding', 'gzip');
      return gzip;
    }
  }
  if (decorate === undefined) {
    Req()(Products.prototype, 'list', 0);
    Res({ passthrough: true })(Products.prototype, 'list', 1);
  }
  const describe = (method, path) => {
    const descriptor = Object.getOwnPropertyDescriptor(Products.prototype, method);
    Get(path)(Products.prototype, method, descriptor);
    (decorate ?? Header('content-type', TYPE))(Products.prototype, method, descriptor);
    Object.defineProperty(Products.prototype, method, descriptor);
  };
  describe('find', ':id');
  describe('list', '');
  if (interceptor !== undefined) UseInterceptors(interceptor)(Products);
  Controller('products')(Products);
  class Root {}
  Module({ imports, controllers: [Products] })(Root);
  const app = await NestFactory.create(Root, adapter, { logger: false });
  prepare?.(app);
  await app.listen(Number(port), '127.0.0.1');
}
