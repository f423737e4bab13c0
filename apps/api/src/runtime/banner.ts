import type { Config } from '../config/config';
import type { Backing } from './backing';

/** What a person wants to know after the start: where to look, and what it runs on. */
export function banner(config: Config, backing: Backing, url: string): string {
  const lines = [
    '',
    `  Strata is ready at ${url}`,
    `    products   ${url}/products`,
    `    explore    ${url}/docs`,
    `    cache      ${url}/cache/stats`,
    `    metrics    ${url}/metrics`,
    `    database   ${backing.databaseReason}`,
    `    L2         ${backing.redisReason}`,
    `    writes     ${writes(config)}`,
    '',
  ];
  return lines.join('\n');
}

function writes(config: Config): string {
  const token = config.ADMIN_TOKEN;
  if (token !== undefined) {
    return token.length < 16 ? 'with ADMIN_TOKEN (under 16 characters: choose a longer one)' : 'with ADMIN_TOKEN';
  }
  if (config.NODE_ENV === 'production') return 'refused: ADMIN_TOKEN is not set';
  return 'from this machine without a token (ADMIN_TOKEN is not set)';
}
