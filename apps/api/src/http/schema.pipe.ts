import { Injectable, type ArgumentMetadata, type PipeTransform } from '@nestjs/common';
import { z } from 'zod';
import { InputException } from './input-exception';
import type { InputError } from './problem';

const MAX_ERRORS = 50;

/** Validates what a handler's parameter declares with `{ schema }`; other parameters pass untouched. */
@Injectable()
export class SchemaPipe implements PipeTransform {
  transform(value: unknown, metadata: ArgumentMetadata): unknown {
    const { schema } = metadata;
    if (!(schema instanceof z.ZodType)) return value;
    const parsed = schema.safeParse(value);
    if (parsed.success) return parsed.data;
    const prefix = metadata.data === undefined ? [] : [metadata.data];
    throw new InputException(parsed.error.issues.slice(0, MAX_ERRORS).flatMap((issue) => inputErrors(issue, prefix)));
  }
}

function inputErrors(issue: z.core.$ZodIssue, prefix: readonly string[]): InputError[] {
  const path = [...prefix, ...issue.path.map(String)];
  if (issue.code === 'unrecognized_keys') {
    return issue.keys.map((key) => ({ path: [...path, key].join('.'), message: 'is not known here' }));
  }
  return [{ path: path.join('.'), message: issue.message }];
}
