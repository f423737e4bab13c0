import { StreamableFile } from '@nestjs/common';
import { streamKind } from '../streams';

/** What a result is called that cannot be kept; `undefined` for everything else. */
export function uncacheable(result: unknown): string | undefined {
  if (result instanceof StreamableFile) return 'a file';
  if (typeof result === 'function') return 'a function';
  if (typeof result !== 'object' || result === null) return undefined;
  if ('subscribe' in result && typeof result.subscribe === 'function') return 'an observable';
  const stream = streamKind(result);
  if (stream !== undefined) return stream;
  if (Symbol.asyncIterator in result) return 'an async iterator';
  return 'next' in result && typeof result.next === 'function' ? 'an iterator' : undefined;
}
