import { MAX_TAGS } from './codec';
import type { DecodedEntry } from './entry';
import { textFormOf } from './json-serializer';
import type { ResolvedCacheOptions, ResolvedEntryOptions } from './options';
import type { Clock } from './ports/clock';
import type { Head } from './ports/remote-store';
import type { Payload } from './ports/serializer';

/** Why a tier cannot take a value: more bytes, more tags, or more names and elements than are allowed. */
export type Refusal = 'size' | 'tags' | 'values';

/** A loaded value in the form the tiers take. */
export interface LoadedValue<T> {
  readonly value: T | undefined;
  readonly storable: boolean;
  /** Tags the value depends on, those learnt while loading included. */
  readonly tags: readonly string[];
  /** The loader declined to store: the value is for its own caller alone. */
  readonly declined: boolean;
  readonly entry: DecodedEntry<T>;
  readonly payload: Payload;
  /** Longest life in each tier, in milliseconds from now. */
  readonly localTtl: number;
  readonly remoteTtl: number;
  /** True when the loader kept the stale value. */
  readonly notModified: boolean;
  /** Set when a bound keeps the value out of L2 (`values`) or out of both tiers. */
  readonly refusal: Refusal | undefined;
}

export const NOT_STORABLE = {
  storable: false,
  entry: undefined as never,
  payload: undefined as never,
  localTtl: 0,
  remoteTtl: 0,
  notModified: false,
  refusal: undefined,
};

/** What a value is stored with, besides its options. */
export interface SealedWith {
  /** The loader declined to store. */
  readonly declined: boolean;
  /** The loader kept the stale value. */
  readonly notModified: boolean;
  readonly born: Head;
  /** As `protocolTags` makes them: those that follow from the key first. */
  readonly tags: readonly string[];
  readonly validator: string;
}

/**
 * Makes the private copy of a value: what the tiers and the callers get is decoded from the encoded
 * bytes, so nothing handed in stays shared with the cache.
 */
export function seal<T>(
  value: T,
  { declined, notModified, born, tags, validator }: SealedWith,
  options: ResolvedEntryOptions,
  cache: ResolvedCacheOptions<T>,
  clock: Clock,
): LoadedValue<T> {
  const { payload, bytes, copy } = encodedForm(value, cache);
  const negative = cache.isNegative(copy);
  const ttl = jittered(negative ? options.negativeTtl : options.ttl, options.ttlJitter);
  const refusal = refusalOf(payload, bytes, tags, cache);
  if (declined || ttl <= 0 || refusal === 'size' || refusal === 'tags')
    return { value: copy, tags, declined, ...NOT_STORABLE, refusal, notModified };
  const createdAt = clock.now();
  const freshUntil = createdAt + ttl;
  return {
    value: copy,
    storable: true,
    tags,
    declined: false,
    entry: {
      value: copy,
      born,
      tags,
      follows: true,
      validator,
      negative,
      bytes,
      createdAt,
      freshUntil,
      // A "nothing" is cheap to ask for again and wrong as soon as something exists: never stale.
      revalidateUntil: freshUntil + (negative ? 0 : options.staleWhileRevalidate),
      errorUntil: freshUntil + (negative ? 0 : options.staleIfError),
    },
    payload,
    localTtl: options.localTtl,
    // Decoding it would hold the event loop of every instance that reads it.
    remoteTtl: refusal === 'values' ? 0 : options.remoteTtl,
    notModified,
    refusal,
  };
}

function encodedForm<T>(
  value: T,
  { serializer, compressionThreshold, maxEntryValues }: ResolvedCacheOptions<T>,
): { readonly payload: Payload; readonly bytes: number; readonly copy: T } {
  const text = textFormOf(serializer);
  if (text === undefined) {
    const payload = serializer.encode(value);
    return { payload, bytes: payload.length, copy: serializer.decode(payload) };
  }
  const form = text.encode(value);
  const bytes = Buffer.byteLength(form);
  // Bytes are needed for what is to be compressed, or looked through.
  const staysText = bytes < compressionThreshold && bytes <= maxEntryValues;
  return { payload: staysText ? form : Buffer.from(form), bytes, copy: text.decode(form) };
}

function refusalOf<T>(
  payload: Payload,
  bytes: number,
  tags: readonly string[],
  { serializer, maxEntryBytes, maxEntryValues }: ResolvedCacheOptions<T>,
): Refusal | undefined {
  if (tags.length > MAX_TAGS) return 'tags';
  if (bytes > maxEntryBytes) return 'size';
  if (typeof payload === 'string') return undefined;
  return (serializer.countValues?.(payload, maxEntryValues) ?? 0) > maxEntryValues ? 'values' : undefined;
}

function jittered(ttl: number, jitter: number): number {
  return jitter === 0 ? ttl : Math.ceil(ttl * (1 + jitter * (2 * Math.random() - 1)));
}
