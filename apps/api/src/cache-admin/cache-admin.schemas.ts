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

/** Key of `GET /cache/entries/{key}`, as `POST /cache/invalidate` takes it. */
export const entryKey = name(MAX_KEY_LENGTH).meta({ description: 'Key of an entry', example: 'product?id=7' });

const TIER_SCHEMA = {
  type: 'object',
  required: ['state'],
  properties: {
    state: {
      type: 'string',
      enum: ['fresh', 'stale', 'expired', 'invalidated', 'unproven', 'absent', 'unreadable', 'unavailable'],
    },
    ageMs: { type: 'integer', description: 'Since it was made' },
    ttlMs: { type: 'integer', description: 'Until it is dead, stale periods included' },
    bytes: { type: 'integer', description: 'Of the encoded value' },
    negative: { type: 'boolean', description: 'Stands for an answer such as 404' },
    tags: { type: 'array', items: { type: 'string' } },
    born: { type: 'string', description: 'Version that it was loaded at, as epoch:seq' },
  },
};

/** Answer of `GET /cache/entries/{key}`. */
export const ENTRY_SCHEMA = {
  type: 'object',
  required: ['key', 'L1', 'L2', 'versions'],
  properties: {
    key: { type: 'string', example: 'product?id=7' },
    L1: TIER_SCHEMA,
    L2: TIER_SCHEMA,
    versions: {
      type: 'object',
      description: 'Last invalidation of each tag; null where Redis does not know the tag',
      additionalProperties: { type: 'object', nullable: true },
    },
  },
};

const keys = (description: string): object => ({ type: 'integer', description });

/** Answer of `GET` and `POST /cache/warm`. */
export const WARM_SCHEMA = {
  type: 'object',
  properties: {
    state: { type: 'string', enum: ['idle', 'running', 'done'] },
    startedAt: { type: 'string', format: 'date-time', nullable: true },
    tookMs: { type: 'integer' },
    known: keys('Hot keys that Redis remembers'),
    already: keys('L1 had them'),
    fromL2: keys('Copied from Redis'),
    loaded: keys('Loaded from the database'),
    passedOver: keys('Nobody knows how to load them, or they are gone'),
    failed: keys('The load failed'),
    left: keys('Not reached in time'),
  },
};
