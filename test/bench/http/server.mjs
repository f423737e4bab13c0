// One contestant in a process of its own: node test/bench/http/server.mjs <name> <port>. Bodies are those of the
// service's answers (environment PRODUCT, LIST; GZIP: the list compressed), so that all send the same bytes.
import 'reflect-metadata';
import { createServer } from 'node:http';
import { CacheInterceptor, CacheModule, CacheTTL } from '@nestjs/cache-manager';
import { Controller, Get, Header, Module, Req, Res, UseInterceptors } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { ExpressAdapter } from '@nestjs/platform-express';
import { FastifyAdapter } from '@nestjs/platform-fastify';
import KeyvRedis from '@keyv/redis';
import Fastify from 'fastify';
import { Keyv } from 'keyv';

const [, , name, port] = process.argv;
const [product, list, gzip] = ['PRODUCT', 'LIST', 'GZIP'].map((part) => Buffer.from(process.env[part], 'base64'));
const TYPE = 'application/json; charset=utf-8';
const STORES = { memory: [], two: [new Keyv(), new Keyv({ store: new KeyvRedis(process.env.REDIS_URL) })] };

const contestants = {
  'node:http': () => plain({}),
  'node:http, all headers': () => plain(JSON.parse(process.env.HEADERS)),
  fastify,
  'Nest + Fastify': () => nest(new FastifyAdapter(), [product, list]),
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
  const modules = [CacheModule.register({ ttl: 3_600_000, ...given })];
  return nest(adapter, [JSON.parse(product), JSON.parse(list)], modules, true);
}

async function nest(adapter, [one, many], imports = [], isCached = false) {
  // Decorators by hand: this file is not compiled.
  class Products {
    find() {
      return one;
    }
    list(request, reply) {
      if (isCached || request.headers['accept-encoding'] === undefined) return many;
      reply.header('content-encoding', 'gzip');
      return gzip;
    }
  }
  if (!isCached) {
    Req()(Products.prototype, 'list', 0);
    Res({ passthrough: true })(Products.prototype, 'list', 1);
  }
  const describe = (method, path) => {
    const descriptor = Object.getOwnPropertyDescriptor(Products.prototype, method);
    Get(path)(Products.prototype, method, descriptor);
    if (!isCached) Header('content-type', TYPE)(Products.prototype, method, descriptor);
    else CacheTTL(3_600_000)(Products.prototype, method, descriptor);
  };
  describe('find', ':id');
  describe('list', '');
  if (isCached) UseInterceptors(CacheInterceptor)(Products);
  Controller('products')(Products);
  class Root {}
  Module({ imports, controllers: [Products] })(Root);
  const app = await NestFactory.create(Root, adapter, { logger: false });
  await app.listen(Number(port), '127.0.0.1');
}
