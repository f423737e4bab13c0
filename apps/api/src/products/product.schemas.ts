import { z } from 'zod';

/** Largest id a PostgreSQL `integer` holds. */
export const MAX_ID = 2_147_483_647;
const MAX_PRICE = 9_999_999.99;

/** Text PostgreSQL stores unchanged: no NUL, no lone surrogate. */
const text = (min: number, max: number): z.ZodType<string, string> =>
  z
    .string({ error: 'must be a string' })
    .min(min, `must have at least ${min} character${min === 1 ? '' : 's'}`)
    .max(max, `must have at most ${max} characters`)
    .refine((value) => !value.includes('\0'), 'must not contain a NUL character')
    .refine((value) => value.isWellFormed(), 'must be well-formed Unicode');

const name = text(1, 200).meta({ description: 'Name of the product', example: 'Ergonomic Keyboard' });
const description = text(0, 5_000).meta({ description: 'Longer text', example: 'Quiet keys, split layout.' });
const category = z
  .string({ error: 'must be a string' })
  .min(1, 'must not be empty')
  .max(50, 'must have at most 50 characters')
  .regex(/^[a-z0-9-]+$/, 'must use a-z, 0-9 and - only')
  .meta({ description: 'Category', example: 'electronics' });
const price = z
  .number({ error: 'must be a number, finite and not in quotes' })
  .min(0, 'must not be negative')
  .max(MAX_PRICE, `must be at most ${MAX_PRICE}`)
  .refine((value) => Number(value.toFixed(2)) === value, 'must have at most two decimals')
  .transform((value) => (value === 0 ? 0 : value))
  .meta({ description: 'Price, at most two decimals', example: 79.9 });
const inStock = z
  .boolean({ error: 'must be true or false' })
  .meta({ description: 'Can be ordered now', example: true });

const object = { error: 'must be a JSON object' };

/** Body of `POST` and `PUT`: what is left out takes its default. */
export const newProduct = z.strictObject(
  { name, description: description.default(''), price, category, inStock: inStock.default(true) },
  object,
);
export type NewProduct = z.output<typeof newProduct>;

/** Body of `PATCH`: what is left out stays. */
export const productChange = z
  .strictObject(
    {
      name: name.optional(),
      description: description.optional(),
      price: price.optional(),
      category: category.optional(),
      inStock: inStock.optional(),
    },
    object,
  )
  .refine((change) => Object.keys(change).length > 0, 'must change at least one field')
  .meta({ minProperties: 1 });
export type ProductChange = z.output<typeof productChange>;

/** Body of `POST /products/batch`. */
export const newProducts = z
  .array(newProduct, { error: 'must be a JSON array of products' })
  .min(1, 'must hold at least one product')
  .max(1_000, 'must hold at most 1000 products');

const given = (issue: { input?: unknown }): string =>
  Array.isArray(issue.input) ? 'must be given once only' : 'must be a string';

const number = (min: number, max: number, fallback?: number): z.ZodType<number | undefined, string | undefined> => {
  const parsed = z
    .string({ error: given })
    .regex(/^-?\d{1,15}(\.\d{1,10})?$/, `must be a number from ${min} to ${max}`)
    .transform(Number)
    .refine((value) => value >= min && value <= max, `must be from ${min} to ${max}`);
  return (fallback === undefined ? parsed.optional() : parsed.default(fallback)) as never;
};
const wholeNumber = (min: number, max: number, fallback: number): z.ZodType<number, string | undefined> =>
  z
    .string({ error: given })
    .regex(/^\d{1,15}$/, `must be a whole number from ${min} to ${max}`)
    .transform(Number)
    .refine((value) => value >= min && value <= max, `must be from ${min} to ${max}`)
    .default(fallback);

/** Orders of the list; ties are broken by id. */
export const SORTS = ['id', '-id', 'name', '-name', 'price', '-price', 'createdAt', '-createdAt'] as const;

/** Query of `GET /products`. */
export const listQuery = z.strictObject({
  category: z
    .string({ error: given })
    .regex(/^[a-z0-9-]{1,50}$/, 'must be 1 to 50 characters of a-z, 0-9 and -')
    .optional(),
  search: z
    .string({ error: given })
    .min(1, 'must not be empty')
    .max(100, 'must have at most 100 characters')
    .refine((value) => !value.includes('\0') && value.isWellFormed(), 'must be text without NUL characters')
    .optional(),
  inStock: z
    .enum(['true', 'false'], { error: 'must be true or false, once' })
    .transform((value) => value === 'true')
    .optional(),
  minPrice: number(0, MAX_PRICE),
  maxPrice: number(0, MAX_PRICE),
  sort: z.enum(SORTS, { error: `must be one of ${SORTS.join(', ')}` }).default('id'),
  limit: wholeNumber(1, 100, 20),
  offset: wholeNumber(0, MAX_ID, 0),
});
export type ListQuery = z.output<typeof listQuery>;

/** `{id}` in a path. */
export const productId = z
  .string()
  .regex(/^[1-9]\d{0,9}$/, `must be a whole number from 1 to ${MAX_ID}`)
  .meta({ description: `Whole number from 1 to ${MAX_ID}`, example: '7' })
  .transform(Number)
  .refine((id) => id <= MAX_ID, `must be a whole number from 1 to ${MAX_ID}`);
