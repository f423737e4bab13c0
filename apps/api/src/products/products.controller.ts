import { Body, Controller, Delete, Get, Headers, HttpCode, Param, Patch, Post, Put, Query, Res } from '@nestjs/common';
import { ApiOperation, ApiResponse, ApiTags } from '@nestjs/swagger';
import { Cacheable, CacheEvict, touched, withHeaders, type Touched, type WithHeaders } from '@strata/cache';
import type { FastifyReply } from 'fastify';
import {
  AdminOnly,
  ApiCached,
  ApiPreconditions,
  ApiJsonBody,
  ApiProblems,
  ApiQueryOf,
  CACHED_HEADERS,
  CREATED_HEADERS,
  EVICTED_HEADERS,
  WRITTEN_HEADERS,
} from '../http/api-docs';
import { pageLinks } from './paging';
import {
  ALL_LISTS_TAG,
  categoryTag,
  productKey,
  productListKey,
  productListTags,
  productTag,
  productTags,
  shownTags,
  tagsOfWrite,
  UNFILTERED_LISTS_TAG,
} from './product.cache-policy';
import { LIST_QUERY_DOCS, PRODUCT_EXAMPLE, PRODUCT_RESPONSE, PRODUCTS_RESPONSE } from './product.docs';
import {
  listQuery,
  newProduct,
  newProducts,
  productChange,
  productId,
  type ListQuery,
  type NewProduct,
  type ProductChange,
} from './product.schemas';
import { productEntityTag, type Preconditions } from './product.precondition';
import type { Product } from './product.view';
import { ProductsService } from './products.service';

@ApiTags('products')
@Controller('products')
export class ProductsController {
  constructor(private readonly products: ProductsService) {}

  @Get()
  @ApiOperation({ summary: 'List products', description: 'A bare array, ties of the order broken by id. Cached.' })
  @ApiQueryOf(listQuery, LIST_QUERY_DOCS)
  @ApiResponse(PRODUCTS_RESPONSE)
  @ApiCached()
  @ApiProblems(400)
  @Cacheable({ key: productListKey, tags: productListTags, resultTags: shownTags, scope: 'public' })
  async list(@Query({ schema: listQuery }) query: ListQuery): Promise<WithHeaders<Product[]>> {
    const { products, total } = await this.products.list(query);
    return withHeaders(products, { 'x-total-count': String(total), link: pageLinks('/products', query, total) });
  }

  @Get(':id')
  @ApiOperation({
    summary: 'Read one product',
    description: 'Cached; a 404 is kept too, until the product is created.',
  })
  @ApiResponse({ ...PRODUCT_RESPONSE, status: 200, description: 'The product', headers: CACHED_HEADERS })
  @ApiCached()
  @ApiProblems(400, 404)
  @Cacheable({ key: productKey, tags: productTags, scope: 'public', negativeStatuses: [404] })
  find(@Param('id', { schema: productId }) id: number): Promise<Product> {
    return this.products.find(id);
  }

  @Post()
  @AdminOnly()
  @ApiOperation({ summary: 'Create a product', description: 'The answer leaves when every instance knows.' })
  @ApiJsonBody(newProduct, PRODUCT_EXAMPLE)
  @ApiResponse({
    ...PRODUCT_RESPONSE,
    status: 201,
    description: 'Created; `Location` says where',
    headers: CREATED_HEADERS,
  })
  @CacheEvict({ tags: (created) => tagsOfWrite((created as Product).id, (created as Product).category) })
  async create(
    @Body({ schema: newProduct }) body: NewProduct,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<Product> {
    const product = await this.products.create(body);
    void reply.headers({ location: `/products/${product.id}`, etag: productEntityTag(product) });
    return product;
  }

  @Post('batch')
  @AdminOnly()
  @ApiOperation({ summary: 'Create up to 1000 products', description: 'In one transaction: all or none.' })
  @ApiJsonBody(newProducts, [PRODUCT_EXAMPLE, { name: 'Desk Lamp', price: 24.5, category: 'electronics' }])
  @ApiResponse({
    status: 201,
    description: 'Ids in the order of the input',
    schema: { type: 'object', properties: { ids: { type: 'array', items: { type: 'integer' } } } },
    headers: EVICTED_HEADERS,
  })
  @CacheEvict({ tags: () => [UNFILTERED_LISTS_TAG] })
  async createBatch(@Body({ schema: newProducts }) body: NewProduct[]): Promise<Touched<{ ids: number[] }>> {
    const ids = await this.products.createAll(body);
    const categories = new Set(body.map((product) => categoryTag(product.category)));
    return touched({ ids }, ...ids.map(productTag), ...categories);
  }

  @Put(':id')
  @AdminOnly()
  @ApiOperation({ summary: 'Replace a product', description: 'Fields left out take their defaults.' })
  @ApiJsonBody(newProduct, PRODUCT_EXAMPLE)
  @ApiResponse({ ...PRODUCT_RESPONSE, status: 200, description: 'The product as it is now', headers: WRITTEN_HEADERS })
  @ApiProblems(404)
  @ApiPreconditions()
  @CacheEvict({})
  async replace(
    @Param('id', { schema: productId }) id: number,
    @Body({ schema: newProduct }) body: NewProduct,
    @Res({ passthrough: true }) reply: FastifyReply,
    @Headers() preconditions: Preconditions,
  ): Promise<Touched<Product>> {
    const { product, previousCategory } = await this.products.replace(id, body, preconditions);
    void reply.header('etag', productEntityTag(product));
    return touched(product, ...tagsOfWrite(id, previousCategory, product.category));
  }

  @Patch(':id')
  @AdminOnly()
  @ApiOperation({ summary: 'Change a product', description: 'Fields left out stay as they are.' })
  @ApiJsonBody(productChange, { price: 69.9 })
  @ApiResponse({ ...PRODUCT_RESPONSE, status: 200, description: 'The product as it is now', headers: WRITTEN_HEADERS })
  @ApiProblems(404)
  @ApiPreconditions()
  @CacheEvict({})
  async change(
    @Param('id', { schema: productId }) id: number,
    @Body({ schema: productChange }) body: ProductChange,
    @Res({ passthrough: true }) reply: FastifyReply,
    @Headers() preconditions: Preconditions,
  ): Promise<Touched<Product>> {
    const { product, previousCategory } = await this.products.change(id, body, preconditions);
    void reply.header('etag', productEntityTag(product));
    return touched(product, ...tagsOfWrite(id, previousCategory, product.category));
  }

  @Delete(':id')
  @HttpCode(204)
  @AdminOnly()
  @ApiOperation({ summary: 'Delete a product' })
  @ApiResponse({ status: 204, description: 'Gone', headers: EVICTED_HEADERS })
  @ApiProblems(400, 404)
  @ApiPreconditions()
  @CacheEvict({})
  async remove(
    @Param('id', { schema: productId }) id: number,
    @Headers() preconditions: Preconditions,
  ): Promise<Touched<undefined>> {
    const { previousCategory } = await this.products.remove(id, preconditions);
    return touched(undefined, ...tagsOfWrite(id, previousCategory));
  }

  @Post(':id/invalidate')
  @HttpCode(200)
  @AdminOnly()
  @ApiOperation({ summary: 'Drop a product and all lists from the cache', description: 'Also for unknown ids.' })
  @ApiResponse({
    status: 200,
    description: 'Done, on every instance',
    schema: { type: 'object', properties: { message: { type: 'string', example: 'Cache invalidated for product 7' } } },
    headers: EVICTED_HEADERS,
  })
  @ApiProblems(400)
  @CacheEvict({ tags: (_result, { params }) => [productTag(Number(params['id'])), ALL_LISTS_TAG] })
  invalidate(@Param('id', { schema: productId }) id: number): { message: string } {
    return { message: `Cache invalidated for product ${id}` };
  }
}
