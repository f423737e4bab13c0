import { isIP } from 'node:net';
import { toMilliseconds } from '@strata/cache';
import { z } from 'zod';

const BYTES = /^(\d+(?:\.\d+)?)\s*(b|kb|mb|gb)$/i;
const FACTOR: Record<string, number> = { b: 1, kb: 1_024, mb: 1_048_576, gb: 1_073_741_824 };

/** A duration with a unit; a bare number is refused, because nobody can tell seconds from milliseconds. */
export const duration = z.string().transform((text, context) => {
  const ms = toMilliseconds(text);
  if (ms !== undefined) return ms;
  context.addIssue(`"${text}" is not a duration with a unit, such as 500ms, 30s or 5m`);
  return z.NEVER;
});

/** A {@link duration} that whoever stops the service will wait for. */
export const drain = duration.refine((ms) => ms <= 60_000, 'is at most 60s');

/** A number of bytes with a unit, at least `min`: `64mb`, `1kb`. */
export const bytes = (min: number): z.ZodType<number, string> =>
  z.string().transform((text, context) => {
    const match = BYTES.exec(text.trim());
    const value = match === null ? NaN : Math.round(Number(match[1]) * FACTOR[match[2]!.toLowerCase()]!);
    if (value >= min) return value;
    context.addIssue(
      `"${text}" is not a size with a unit, such as 1kb or 64mb${min > 0 ? `, of at least ${min} b` : ''}`,
    );
    return z.NEVER;
  });

export const flag = z
  .enum(['true', 'false', '1', '0'], { error: 'is true or false' })
  .transform((text) => text === 'true' || text === '1');

/** A whole number from `min` to `max`. */
export const whole = (min: number, max: number): z.ZodType<number, string> =>
  z.string().transform((text, context) => {
    const value = /^\d{1,12}$/.test(text.trim()) ? Number(text) : NaN;
    if (value >= min && value <= max) return value;
    context.addIssue(`"${text}" is not a whole number from ${min} to ${max}`);
    return z.NEVER;
  });

/** A URL of one of the given schemes. The value is never repeated in a message: it may hold a password. */
export const url = (...schemes: readonly string[]): z.ZodType<string, string> =>
  z.string().refine((text) => isUrl(text, schemes), {
    error: `is not a URL that begins with ${schemes.map((scheme) => `${scheme}://`).join(' or ')}`,
  });

/** A URL of Redis; a path may only be the number of a database. */
export const redisUrl = url('redis', 'rediss').refine(
  // What is no URL has been refused: the checks of a text are all asked.
  (text) => !URL.canParse(text) || /^\/?\d*$/.test(new URL(text).pathname),
  { error: 'has a path that is not the number of a database, as in redis://host:6379/0' },
);

/** `host:port,host:port`. */
export const addresses = z.string().transform((text, context) => {
  const parsed = text.split(',').map((part) => /^\s*([^:\s]+):(\d{1,5})\s*$/.exec(part));
  if (parsed.every((match) => match !== null && Number(match[2]) <= 65_535)) {
    return parsed.map((match) => ({ host: match![1]!, port: Number(match![2]) }));
  }
  context.addIssue(`"${text}" is not a list such as host:26379,host:26380`);
  return z.NEVER;
});

const PROXY_NAMES = ['loopback', 'linklocal', 'uniquelocal'];

/** Which proxies may say who the client is: `true`, `false`, a number of hops, or addresses and networks. */
export const proxies = z
  .string()
  .refine(
    (text) =>
      /^(true|false|\d{1,2})$/.test(text) ||
      text.split(',').every((part) => PROXY_NAMES.includes(part.trim()) || isNetwork(part.trim())),
    { error: 'is true, false, a number of hops, or a list such as 10.0.0.0/8,loopback' },
  );

function isNetwork(text: string): boolean {
  const [address = '', bits, ...rest] = text.split('/');
  const width = isIP(address) === 4 ? 32 : 128;
  return isIP(address) !== 0 && rest.length === 0 && (bits === undefined || (/^\d{1,3}$/.test(bits) && +bits <= width));
}

function isUrl(text: string, schemes: readonly string[]): boolean {
  if (!URL.canParse(text) || !schemes.includes(new URL(text).protocol.slice(0, -1))) return false;
  try {
    // Drivers decode user and password; a stray % would fail there, without a word about the variable.
    decodeURIComponent(new URL(text).username + new URL(text).password);
    return true;
  } catch {
    return false;
  }
}

/** A fraction from 0 to below 1. */
export const fraction = z.string().transform((text, context) => {
  const value = /^0(\.\d{1,6})?$/.test(text.trim()) ? Number(text) : NaN;
  if (value < 1) return value;
  context.addIssue(`"${text}" is not a fraction from 0 to below 1, such as 0.8`);
  return z.NEVER;
});
