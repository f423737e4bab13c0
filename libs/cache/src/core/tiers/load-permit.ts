import { randomUUID } from 'node:crypto';
import { sharedHead } from '../entry';
import type { ResolvedCacheOptions } from '../options';
import type { Grant, Head } from '../ports/remote-store';

/** Permission to load: the version the load may claim, and the load lease if it was granted. */
export interface LoadPermit {
  readonly born: Head;
  readonly granted: boolean;
  /** Not granted because somebody has filled the key a moment ago. */
  readonly filled?: boolean;
  readonly token: string;
}

/** 36 characters that no other load has: random ones of this process, and its counter. */
export function newToken(): string {
  return PROCESS + (tokens++).toString(36).padStart(12, '0');
}

const PROCESS = randomUUID().slice(0, 24);
let tokens = 0;

export function permitOf({ epoch, seq, granted, filled = false }: Grant, token: string): LoadPermit {
  return { born: sharedHead(epoch, seq), granted, filled, token };
}

/** Life that a tag created by a cache needs, so that it outlives every entry carrying it. */
export function longestLife(options: Omit<ResolvedCacheOptions<never>, 'serializer' | 'isNegative'>): number {
  const { ttl, ttlJitter, staleWhileRevalidate, staleIfError, negativeTtl, loadLease } = options;
  const fresh = Math.max(ttl, negativeTtl) * (1 + ttlJitter);
  return Math.ceil(fresh + Math.max(staleWhileRevalidate, staleIfError) + loadLease);
}
