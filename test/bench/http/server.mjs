// One contestant in a process of its own: node test/bench/http/server.mjs <name> <port>. Constants are made of the
// answer that the service gives, so that all send the same bytes.
import 'reflect-metadata';
import { createServer } from 'node:http';
import { Controller, Get, Header, Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { FastifyAdapter } from '@nestjs/platform-fastify';
import Fastify from 'fastify';

const [, , name, port] = process.argv;
const product = Buffer.from(process.env.PRODUCT, 'base64');
const list = Buffer.from(process.env.LIST, 'base64');
const TYPE = 'application/json; charset=utf-8';

await { 'node:http': plain, fastify, 'nest + fastify': nest }[name]();
process.send('ready');

async function plain() {
  const headers = (body) => ({ 'content-type': TYPE, 'content-length': body.length });
  const server = createServer((request, response) => {
    const body = request.url === '/products/7' ? product : list;
    response.writeHead(200, headers(body)).end(body);
  });
  await new Promise((resolve) => server.listen(Number(port), '127.0.0.1', resolve));
}

async function fastify() {
  const app = Fastify();
  app.get('/products/:id', (_request, reply) => reply.type(TYPE).send(product));
  app.get('/products', (_request, reply) => reply.type(TYPE).send(list));
  await app.listen({ port: Number(port), host: '127.0.0.1' });
}

async function nest() {
  // Decorators by hand: this file is not compiled.
  class Products {
    find() {
      return product;
    }
    list() {
      return list;
    }
  }
  const describe = (method, path) => {
    const descriptor = Object.getOwnPropertyDescriptor(Products.prototype, method);
    Get(path)(Products.prototype, method, descriptor);
    Header('content-type', TYPE)(Products.prototype, method, descriptor);
  };
  describe('find', ':id');
  describe('list', '');
  Controller('products')(Products);
  class Root {}
  Module({ controllers: [Products] })(Root);
  const app = await NestFactory.create(Root, new FastifyAdapter(), { logger: false });
  await app.listen(Number(port), '127.0.0.1');
}
