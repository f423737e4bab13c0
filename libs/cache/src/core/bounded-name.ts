import { createHash } from 'node:crypto';

/** Longest name that stands for itself. Part of the wire format, as the tags of a key are (`wire-names.ts`). */
export const MAX_PLAIN_LENGTH = 200;

/** `name`, or a digest of it when it is long; what is stored under it carries the full name. */
export function boundedName(name: string): string {
  if (name.length <= MAX_PLAIN_LENGTH) return name;
  return `#${createHash('sha256').update(name, 'utf8').digest('base64url')}`;
}
