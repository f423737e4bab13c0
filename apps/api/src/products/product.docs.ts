import { CACHED_HEADERS } from '../http/api-docs';
import { SORTS } from './product.schemas';

/** A body that works on the seeded data. */
export const PRODUCT_EXAMPLE = {
  name: 'Ergonomic Keyboard',
  description: 'Quiet keys, split layout.',
  price: 79.9,
  category: 'electronics',
  inStock: true,
};

/** Component schema of a product. */
export const PRODUCT_SCHEMA = {
  type: 'object',
  required: ['id', 'name', 'description', 'price', 'category', 'inStock', 'createdAt', 'updatedAt'],
  properties: {
    id: { type: 'integer', minimum: 1, example: 7 },
    name: { type: 'string', minLength: 1, maxLength: 200, example: 'Ergonomic Keyboard' },
    description: { type: 'string', maxLength: 5000 },
    price: { type: 'number', minimum: 0, maximum: 9_999_999.99, example: 79.9 },
    category: { type: 'string', pattern: '^[a-z0-9-]{1,50}$', example: 'electronics' },
    inStock: { type: 'boolean' },
    createdAt: { type: 'string', format: 'date-time' },
    updatedAt: { type: 'string', format: 'date-time' },
  },
} as const;

export const PRODUCT_RESPONSE = { schema: { $ref: '#/components/schemas/Product' } };

export const PRODUCTS_RESPONSE = {
  status: 200,
  description: 'One page of products',
  schema: { type: 'array', items: { $ref: '#/components/schemas/Product' } },
  headers: {
    ...CACHED_HEADERS,
    'X-Total-Count': { description: 'Products that match, on all pages', schema: { type: 'integer' } },
    Link: { description: 'first, prev, next and last page (RFC 8288)', schema: { type: 'string' } },
  },
};

/** What Swagger UI says of each query parameter. */
export const LIST_QUERY_DOCS = {
  category: {
    description: 'Only this category',
    schema: { pattern: '^[a-z0-9-]{1,50}$', example: 'electronics' },
  },
  search: {
    description: 'Text in name or description, any case, at most 100 characters',
    schema: { minLength: 1, maxLength: 100 },
  },
  inStock: { description: 'Only what can, or cannot, be ordered now', schema: { type: 'boolean' } },
  minPrice: { description: 'Lowest price', schema: { type: 'number', minimum: 0 } },
  maxPrice: { description: 'Highest price', schema: { type: 'number', minimum: 0 } },
  sort: { description: 'Order; `-` for descending', schema: { enum: SORTS, default: 'id' } },
  limit: {
    description: 'Products a page, 1 to 100',
    schema: { type: 'integer', minimum: 1, maximum: 100, default: 20 },
  },
  offset: { description: 'Products to skip, 0 or more', schema: { type: 'integer', minimum: 0, default: 0 } },
} as const;
