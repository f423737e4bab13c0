import { Injectable, type OnModuleInit } from '@nestjs/common';
import { ModuleRef } from '@nestjs/core';
import { CacheBackend, parseCanonicalKey, routeWarmer } from '@strata/cache';
import { listQuery, productId } from './product.schemas';
import { ProductsController } from './products.controller';

/** Loads hot products and lists that L2 does not have, before anybody has to wait for them. */
@Injectable()
export class ProductsWarmer implements OnModuleInit {
  constructor(
    private readonly backend: CacheBackend,
    private readonly module: ModuleRef,
  ) {}

  onModuleInit(): void {
    const { warmer } = this.backend;
    const controller = this.module.get(ProductsController);
    warmer?.register(
      'http',
      routeWarmer(controller, 'find', (key) => {
        const { name, parts } = parseCanonicalKey(key) ?? {};
        const id = productId.safeParse(parts?.['id']);
        return name === 'product' && id.success ? { params: { id: String(id.data) }, args: [id.data] } : undefined;
      }),
    );
    warmer?.register(
      'http',
      routeWarmer(controller, 'list', (key) => {
        const { name, parts } = parseCanonicalKey(key) ?? {};
        const query = listQuery.safeParse(parts);
        return name === 'products' && query.success ? { query: { ...parts }, args: [query.data] } : undefined;
      }),
    );
  }
}
