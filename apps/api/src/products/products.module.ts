import { Module } from '@nestjs/common';
import { ProductsController } from './products.controller';
import { ProductsService } from './products.service';
import { ProductsWarmer } from './products.warmer';

@Module({ controllers: [ProductsController], providers: [ProductsService, ProductsWarmer] })
export class ProductsModule {}
