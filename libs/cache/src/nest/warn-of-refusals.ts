import { Logger } from '@nestjs/common';
import type { Strata } from '../core/strata';
import { isNews } from './is-news';

/** Why a tier refuses whatever it is given of that kind; other reasons are chances of the moment. */
const FOR_GOOD: Readonly<Record<string, string>> = {
  size: 'is larger than "maxEntryBytes"',
  tags: 'has more than 1024 tags',
  values: 'holds more than "maxEntryValues" values, too many to be decoded at a time',
};

/**
 * Says once for each cache and reason that a value is too large to be kept: it is loaded anew each time, and nothing else
 * shows it. Keys are not named, for they may tell what somebody has looked for.
 */
export function warnOfRefusals(strata: Strata): void {
  const logger = new Logger('Cache');
  strata.on(
    (event) => {
      if (event.name !== 'fill.rejected') return;
      const { cache, tier, reason } = event;
      const problem = FOR_GOOD[reason];
      if (problem === undefined || !isNews(`${cache} ${reason}`, strata)) return;
      logger.warn(`a value of the cache "${cache}" ${problem}: ${tier} does not keep it`);
    },
    ['fill.rejected'],
  );
}
