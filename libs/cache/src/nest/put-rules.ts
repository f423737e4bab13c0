import { Logger } from '@nestjs/common';
import { isTag } from '../core/coherence/tags';
import { toMilliseconds, type Duration } from '../core/duration';
import type { ReadOptions } from '../core/read-options';
import { isNews } from './is-news';
import type { CachePutOperation } from './operations';

type Apply<R> = (...given: unknown[]) => R;

/** `unless`. The write has happened: a function that throws keeps the value out and fails nobody. */
export function isLeftOut(put: CachePutOperation, value: unknown, ...inputs: readonly unknown[]): boolean {
  return attempt(put, () => (put.unless as Apply<boolean>)(value, ...inputs)) ?? true;
}

/** Tags and ttl as the value tells them; a ttl of 0 where it cannot, so that nothing is kept. */
export function learntBy(put: CachePutOperation, value: unknown, inputs: readonly unknown[]): ReadOptions {
  const learnt = attempt(put, () => {
    const tags = (put.tags as Apply<readonly string[]>)(value, ...inputs);
    const ttl = (put.ttlOf as Apply<Duration> | undefined)?.(value, ...inputs);
    if (!tags.every(isTag)) throw new TypeError('a tag has 1 to 256 well-formed characters');
    if (ttl !== undefined && toMilliseconds(ttl) === undefined) throw new TypeError('the ttl is no duration');
    return ttl === undefined ? { tags } : { tags, ttl };
  });
  return learnt ?? { ttl: 0 };
}

function attempt<R>({ where }: CachePutOperation, run: () => R): R | undefined {
  try {
    return run();
  } catch (error) {
    if (isNews(`put ${where}`)) new Logger('CachePut').warn(`${where}: ${String(error)}; its result is not kept`);
    return undefined;
  }
}
