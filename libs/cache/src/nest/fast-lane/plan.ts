import type { IncomingMessage } from 'node:http';
import { userTags } from '../../core/keys';
import type { TieredCache } from '../../core/tiered-cache';
import type { Representation } from '../../http/representation';
import { entryOf } from '../http-key';
import type { Described } from '../http-load';
import { always } from '../operations';
import type { Framework } from './framework';
import type { UrlRequest } from './url-request';

/** Which entry answers a URL, as Nest's router and the route's own functions have found out once. */
export interface Plan {
  readonly operation: Described['operation'];
  readonly cache: TieredCache<Representation>;
  readonly key: string;
  /** Declared tags, as entries carry them. */
  readonly tags: readonly string[];
  readonly asked: UrlRequest;
  /** Template of the route, for metrics and logs. */
  readonly route: string;
  /** Names of the headers that the application adds to each answer. */
  readonly given: readonly string[];
  readonly framework: Framework;
  /** Wall time at which the route's functions were asked last. */
  checkedAt: number;
}

const CHECKED_EVERY_MS = 1_000;

/** True while the route's functions lead to the entry of the plan: asked again each second, of each URL. */
export function stillHolds(plan: Plan, now: number): boolean {
  const since = now - plan.checkedAt;
  if (since >= 0 && since < CHECKED_EVERY_MS) return true;
  const { operation, asked, key, tags } = plan;
  const found = entryOf(operation, asked.request, undefined);
  if (asked.beyond !== undefined || 'bypass' in found || found.key !== key) return false;
  const declared = userTags(found.tags);
  plan.checkedAt = now;
  return declared.length === tags.length && declared.every((tag, i) => tag === tags[i]);
}

/** What the route's condition says now; `undefined` once it reads more than the URL. */
export function isWanted({ operation, asked }: Plan): boolean | undefined {
  const { condition } = operation;
  if (condition === always) return true;
  const wanted = (condition as (request: UrlRequest['request']) => boolean)(asked.request);
  return asked.beyond === undefined ? wanted : undefined;
}

/** Headers that the application adds; `undefined` when they are not the ones that the plan was made with. */
export function givenHeaders(
  { given }: Plan,
  before: ((request: IncomingMessage) => readonly string[] | undefined) | undefined,
  request: IncomingMessage,
): readonly string[] | undefined {
  const headers = before === undefined ? NOTHING : before(request);
  if (headers === undefined || headers.length !== 2 * given.length) return undefined;
  for (let i = 0; i < given.length; i++) if (headers[2 * i] !== given[i]) return undefined;
  return headers;
}

const NOTHING: readonly string[] = [];

/** A parameter is a name, a value and their places in an object. */
const PARAMETER_BYTES = 100;

/** Bytes that a plan holds, about. */
export function weightOf(url: string, { key, tags, asked }: Plan): number {
  const { params, query } = asked.request;
  let bytes = 600 + 2 * (url.length + key.length);
  for (const tag of tags) bytes += 2 * tag.length;
  for (const parameters of [params, query]) {
    bytes += PARAMETER_BYTES * Object.keys(parameters).length;
    // Values may be lists of as many texts as the URL has room for.
    for (const value of Object.values(parameters)) if (typeof value === 'object') bytes += 100 * sizeOf(value);
  }
  return bytes;
}

const sizeOf = (value: object | null): number => Object.keys(value ?? {}).length;
