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
  /** Absent where nobody was asked. */
  readonly terms?: PermitTerms;
}

/** What leave to load was given with. */
export interface PermitTerms {
  /** L2 knows them... */
  readonly tags: readonly string[];
  /** ...at least until this monotonic time. */
  readonly keptUntil: number;
  /** It had nothing under the key. */
  readonly wasAbsent: boolean;
}

/** How many of the first `tags` of an entry L2 keeps until then without being asked to. */
export function settledTags(tags: readonly string[], terms: PermitTerms | undefined, until: number): number {
  if (terms === undefined || until > terms.keptUntil) return 0;
  const { tags: known } = terms;
  return known === tags || known.every((tag, i) => tag === tags[i]) ? known.length : 0;
}

/** 36 characters that no other load has: random ones of this process, and its counter. */
export function newToken(): string {
  return PROCESS + (tokens++).toString(36).padStart(12, '0');
}

const PROCESS = randomUUID().slice(0, 24);
let tokens = 0;

export function permitOf(
  { epoch, seq, granted, filled = false }: Grant,
  token: string,
  terms: PermitTerms,
): LoadPermit {
  return { born: sharedHead(epoch, seq), granted, filled, token, terms };
}

/** Life that a tag created by a cache needs, so that it outlives every entry carrying it. */
export function longestLife(options: Omit<ResolvedCacheOptions<never>, 'serializer' | 'isNegative'>): number {
  const { ttl, ttlJitter, staleWhileRevalidate, staleIfError, negativeTtl, loadLease } = options;
  const fresh = Math.max(ttl, negativeTtl) * (1 + ttlJitter);
  return Math.ceil(fresh + Math.max(staleWhileRevalidate, staleIfError) + loadLease);
}
