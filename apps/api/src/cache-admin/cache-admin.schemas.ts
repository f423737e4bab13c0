import { MAX_KEY_LENGTH } from '@strata/cache';
import { z } from 'zod';

const MAX_NAMES = 1_000;
const name = (max: number): z.ZodType<string, string> =>
  z
    .string({ error: 'must be a string' })
    .min(1, 'must not be empty')
    .max(max, `must have at most ${max} characters`)
    .refine((text) => text.isWellFormed(), 'must be well-formed Unicode');

/** Body of `POST /cache/invalidate`. */
export const invalidation = z
  .strictObject(
    {
      tags: z.array(name(256), { error: 'must be an array of strings' }).optional(),
      keys: z.array(name(MAX_KEY_LENGTH), { error: 'must be an array of strings' }).optional(),
    },
    { error: 'must be a JSON object' },
  )
  .refine(({ tags = [], keys = [] }) => tags.length + keys.length > 0, 'name at least one tag or key')
  .refine(
    ({ tags = [], keys = [] }) => tags.length + keys.length <= MAX_NAMES,
    `name at most ${MAX_NAMES} tags and keys`,
  );
export type Invalidation = z.output<typeof invalidation>;
