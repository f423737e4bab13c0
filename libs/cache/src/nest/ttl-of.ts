import { Logger } from '@nestjs/common';
import { toMilliseconds, type Duration } from '../core/duration';
import { isNews } from './is-news';

/**
 * The `ttl` that a function has made of a result, as something that can be kept by: 0 (not kept) for one that is over
 * already, and for what is no duration, with a warning. The handler has succeeded: nobody gets an error for it.
 */
export function ttlFrom(given: Duration | undefined, where: string): Duration | undefined {
  if (given === undefined || toMilliseconds(given) !== undefined) return given;
  if (!(typeof given === 'number' && given < 0)) {
    const said = `the "ttl" of ${where} has returned a ${typeof given} that is no duration: the result is not kept`;
    if (isNews(`ttl ${where}`)) new Logger('Cacheable').warn(said);
  }
  return 0;
}
