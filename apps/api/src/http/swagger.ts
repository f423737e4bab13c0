import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { DocumentBuilder, SwaggerModule, type OpenAPIObject } from '@nestjs/swagger';
import { PRODUCT_SCHEMA } from '../products/product.docs';

const DESCRIPTION = `A products API behind two cache tiers. Read a product twice and look at the
**Cache-Status** header of the second answer; change it and read again: no instance serves the old one.

Writes are open to this machine while no \`ADMIN_TOKEN\` is set outside production; otherwise press **Authorize**.`;

const PROBLEM_SCHEMA = {
  type: 'object',
  description: 'Problem details (RFC 9457)',
  required: ['type', 'title', 'status', 'detail', 'correlationId'],
  properties: {
    type: { type: 'string', example: 'about:blank' },
    title: { type: 'string', example: 'Not Found' },
    status: { type: 'integer', example: 404 },
    detail: { type: 'string', example: 'product 100000 does not exist' },
    instance: { type: 'string', example: '/products/100000' },
    correlationId: { type: 'string', example: '0b4f8a5e-3d5b-4b8f-9a55-2f6a7b1c9d10' },
    errors: {
      type: 'array',
      items: { type: 'object', properties: { path: { type: 'string' }, message: { type: 'string' } } },
    },
  },
};

/** Swagger UI at `/docs`, the document at `/docs-json`. */
export function setUpSwagger(app: NestFastifyApplication): void {
  SwaggerModule.setup('docs', app, () => openApiDocument(app), {
    jsonDocumentUrl: 'docs-json',
    customSiteTitle: 'Strata · Products API',
    swaggerOptions: {
      displayRequestDuration: true,
      showCommonExtensions: true,
      docExpansion: 'list',
      tryItOutEnabled: true,
      persistAuthorization: true,
      tagsSorter: 'none',
    },
  });
}

/** The OpenAPI document of the whole service. */
export function openApiDocument(app: NestFastifyApplication): OpenAPIObject {
  const info = new DocumentBuilder()
    .setTitle('Strata · Products API')
    .setDescription(DESCRIPTION)
    .setVersion('0.1.0')
    .setLicense('MIT', 'https://opensource.org/license/mit')
    .addBearerAuth({ type: 'http', scheme: 'bearer', bearerFormat: 'opaque', description: 'Value of ADMIN_TOKEN' })
    .addTag('products', 'Read and write products')
    .addTag('cache', 'Look into the cache and empty it')
    .addTag('operations', 'Health and metrics')
    .build();
  const document = SwaggerModule.createDocument(app, info);
  document.components ??= {};
  document.components.schemas = {
    ...document.components.schemas,
    Product: PRODUCT_SCHEMA as never,
    Problem: PROBLEM_SCHEMA as never,
  };
  for (const path of Object.values(document.paths)) {
    for (const operation of Object.values(path) as { responses: Responses }[]) addCommonHeaders(operation.responses);
  }
  return document;
}

type Responses = Record<string, { headers?: Record<string, object> }>;

const REQUEST_ID = {
  description: "Id of this request: the caller's `X-Request-Id` when it is a sane token, else a new one",
  schema: { type: 'string' },
};
const RETRY_AFTER = { description: 'Seconds until it may work', schema: { type: 'integer', example: 5 } };

/** What no route sets by itself. */
function addCommonHeaders(responses: Responses): void {
  for (const [status, response] of Object.entries(responses)) {
    const isLater = status === '429' || status === '503';
    response.headers = {
      ...response.headers,
      ...(isLater ? { 'Retry-After': RETRY_AFTER } : {}),
      'X-Request-Id': REQUEST_ID,
    };
  }
}
