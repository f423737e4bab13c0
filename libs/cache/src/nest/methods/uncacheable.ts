import { StreamableFile } from '@nestjs/common';

/** What a result is called that cannot be kept; `undefined` for everything else. */
export function uncacheable(result: unknown): string | undefined {
  if (result instanceof StreamableFile) return 'a file';
  if (typeof result === 'function') return 'a function';
  if (typeof result !== 'object' || result === null) return undefined;
  if ('subscribe' in result && typeof result.subscribe === 'function') return 'an observable';
  if ('pipe' in result && typeof result.pipe === 'function') return 'a stream';
  if ('getReader' in result && typeof result.getReader === 'function') return 'a stream';
  if ('arrayBuffer' in result && typeof result.arrayBuffer === 'function') return 'a response or a blob';
  if (Symbol.asyncIterator in result) return 'an async iterator';
  return 'next' in result && typeof result.next === 'function' ? 'an iterator' : undefined;
}
