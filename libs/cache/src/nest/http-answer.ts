import { StreamableFile } from '@nestjs/common';
import type { Entry } from '../core/entry';
import type { Lifetime } from '../core/lifetime';
import { responseStorable, type HeaderBag } from '../http/cacheability';
import { chooseCoding, type ContentCoding } from '../http/content-coding';
import { cacheGroups, surrogateKey } from '../http/cache-groups';
import { cacheStatus } from '../http/cache-status';
import { belongsTo304, isNotModified } from '../http/conditional';
import { isEncodable } from '../http/encoded-forms';
import { encodedTag } from '../http/entity-tag';
import type { Representation } from '../http/representation';
import type { Described } from './http-load';
import { errorOf } from './kept-error';
import type { Outgoing } from './outgoing';

const OK = 200;
const NOT_MODIFIED = 304;

/** What is answered with, and what the cache knows of it. */
export interface Answer {
  readonly representation: Representation;
  /** The entry behind it, when there is one. */
  readonly entry: Entry<Representation> | undefined;
  readonly isHit: boolean;
  /** Told when the representation has got another form, and so weighs more. False: there is no room for it. */
  readonly grown: () => boolean;
}

/** A request that is answered, and what the answer is written to. */
export interface Answered extends Described {
  readonly response: Outgoing;
}

/**
 * Sends a representation: stored bytes in the encoding the client likes best, with the validators and the
 * caching headers of the route, or 304 when the client has it already.
 *
 * @returns what Nest is to send as the body; a promise of it while an encoding is made that nobody asked for yet
 * @throws HttpException for a negative entry
 */
export function sendAnswer(exchange: Answered, answer: Answer): unknown {
  const { response, request } = exchange;
  const { representation } = answer;
  const mayTravel = isForEverybody(exchange, representation);
  response.answered(answer.isHit ? representation.status : response.status);
  setCachingHeaders(exchange, answer, mayTravel);
  // The exception filter of the app words the answer anew, with the request id of this request.
  if (representation.status !== OK) {
    setAge(exchange, answer);
    response.vary(exchange.operation.vary);
    throw errorOf(representation);
  }
  const headers = mayTravel ? representation.headers : withoutControl(representation.headers);
  const validators = validatorsOf(representation);
  const { coding, isUnchanged } = formAsked(request.headers, validators);
  const etag = tagOf(validators, coding);
  if (isUnchanged) {
    response.setAll(Object.fromEntries(Object.entries(headers).filter(([name]) => belongsTo304(name))));
    setAge(exchange, answer);
    varyBy(exchange, representation);
    if (etag !== undefined) response.set('etag', etag);
    response.status = NOT_MODIFIED;
    // RFC 9110, section 8.6: the length that a 304 tells is that of the 200. Fastify tells one to each HEAD.
    if (request.method !== 'HEAD' || !response.tellsLength) return undefined;
    // Of bytes it would say a type of its own.
    response.set('content-type', headers['content-type']!);
    return bodyOf(coding, exchange, answer);
  }
  response.setAll(headers);
  setAge(exchange, answer);
  varyBy(exchange, representation);
  if (etag !== undefined) response.set('etag', etag);
  if (coding !== 'identity') response.set('content-encoding', coding);
  return bodyOf(coding, exchange, answer);
}

function bodyOf(coding: ContentCoding, exchange: Answered, answer: Answer): unknown {
  const { body, forms, headers } = answer.representation;
  const type = headers['content-type']!;
  const ready = coding === 'identity' ? body : forms.ready(coding);
  return ready === undefined ? encoded(coding, exchange, answer, type) : exchange.response.body(ready, type);
}

async function encoded(coding: ContentCoding, exchange: Answered, answer: Answer, type: string): Promise<unknown> {
  const { body, forms } = answer.representation;
  const form = await forms.make(coding as Exclude<ContentCoding, 'identity'>, body);
  if (!answer.grown()) forms.drop(coding);
  return exchange.response.body(form, type);
}

/** What the handler says of caches does not count for an answer that turned out to be for one reader. */
function withoutControl({ 'cache-control': _control, ...others }: Readonly<Record<string, string>>): typeof others {
  return others;
}

/** What the form of an answer is chosen by, besides the request. */
export interface FormValidators {
  readonly isEncodable: boolean;
  readonly etag: string | undefined;
  readonly lastModified: string | undefined;
}

export function validatorsOf({ body, headers }: Representation): FormValidators {
  const encodable = headers['content-encoding'] === undefined && isEncodable(body, headers['content-type']);
  return { isEncodable: encodable, etag: headers['etag'], lastModified: headers['last-modified'] };
}

/** The form that a request with these headers is to get: its encoding, and whether the client has it already. */
export function formAsked(
  asked: HeaderBag,
  validators: FormValidators,
): { readonly coding: ContentCoding; readonly isUnchanged: boolean } {
  const accepted = asked['accept-encoding'];
  const coding = validators.isEncodable && accepted !== undefined ? chooseCoding(String(accepted)) : 'identity';
  if (asked['if-none-match'] === undefined && asked['if-modified-since'] === undefined) {
    return { coding, isUnchanged: false };
  }
  const { lastModified } = validators;
  return { coding, isUnchanged: isNotModified(asked, { etag: tagOf(validators, coding), lastModified }) };
}

const tagOf = ({ etag }: FormValidators, coding: ContentCoding): string | undefined =>
  etag === undefined ? undefined : encodedTag(etag, coding);

const BY_ENCODING: readonly string[] = Object.freeze(['accept-encoding']);

/** Every form of an answer says by what it varies (RFC 9110, section 12.5.5). */
function varyBy({ operation, response }: Answered, { headers, body }: Representation): void {
  if (!isEncodable(body, headers['content-type'])) response.vary(operation.vary);
  else response.vary(operation.vary.length === 0 ? BY_ENCODING : [...operation.vary, ...BY_ENCODING]);
}

/**
 * What was not kept here for a reason that lies in the answer (a cookie, `private`) must not be kept on the way
 * either, whatever the route says of its answers; nor a hit that a guard has given a cookie.
 */
function isForEverybody({ operation, response }: Answered, { headers }: Representation): boolean {
  return responseStorable({ ...response.judged(), ...headers }, operation.vary);
}

function setCachingHeaders({ operation, response }: Answered, { entry }: Answer, mayTravel: boolean): void {
  if (!mayTravel) {
    if (!response.isPrivate) response.set('cache-control', 'private, no-cache');
    return;
  }
  for (const [name, value] of Object.entries(operation.headers)) {
    const isDefault = name === 'cache-control' && operation.hasDefaultControl;
    if (!isDefault || !response.has(name)) response.set(name, value);
  }
  if (entry === undefined) return;
  const groups = operation.cacheGroups ? groupsOf(entry.furtherTags) : undefined;
  if (groups !== undefined) response.set('cache-groups', groups);
  const keys = operation.surrogateKeys ? surrogateKey(publicTags(entry.furtherTags)) : undefined;
  if (keys !== undefined) response.set('surrogate-key', keys);
}

/** Made once for an entry: a list carries a tag for each product that it shows. L1 weighs tags twice for it. */
const groupsOfTags = new WeakMap<readonly string[], string | undefined>();

function groupsOf(tags: readonly string[]): string | undefined {
  if (!groupsOfTags.has(tags)) groupsOfTags.set(tags, cacheGroups(publicTags(tags)));
  return groupsOfTags.get(tags);
}

function publicTags(tags: readonly string[]): string[] {
  return tags.filter((tag) => tag.startsWith('t:')).map((tag) => tag.slice(2));
}

/** RFC 9111, section 5.1: seconds since the handler made it. */
function setAge({ response }: Answered, { entry, isHit }: Answer): void {
  if (!isHit || entry === undefined) return;
  response.set('age', ageOf(entry, Date.now()));
}

/** Value of `Age` at wall time `now`. */
export function ageOf({ createdAt }: Pick<Lifetime, 'createdAt'>, now: number): string {
  return String(Math.max(0, Math.floor((now - createdAt) / 1_000)));
}

/** Writes what a fresh hit in L1 says of the cache, and sends it: {@link sendAnswer}. */
export function sendHit(exchange: Answered, entry: Entry<Representation>, grown: () => boolean): unknown {
  exchange.response.set('cache-status', hitStatus(entry, Date.now()));
  return sendAnswer(exchange, { representation: entry.value, entry, isHit: true, grown });
}

/** Value of `Cache-Status` for a fresh hit in L1 (RFC 9211). */
export function hitStatus({ freshUntil }: Pick<Lifetime, 'freshUntil'>, now: number): string {
  return cacheStatus({ kind: 'hit', ttlSeconds: Math.floor((freshUntil - now) / 1_000), detail: 'L1' });
}

/** A body that both adapters send as these bytes: Express would make JSON of a buffer. */
export function bytesForExpress(body: Buffer, type: string): StreamableFile {
  return new StreamableFile(body, { type, length: body.length });
}
