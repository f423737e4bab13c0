import type { InvalidationMode, TagVersion } from '@strata/cache/core';

/** Everything that a simulated server holds; all of it can be lost, or exchanged for an older state. */
export interface Data {
  head:
    | { epoch: string; run: string; seq: number; tags: Map<string, TagVersion>; members: Map<string, string> }
    | undefined;
  recent: { epoch: string; floor: number; ring: { tag: string; seq: number }[]; last: Map<string, number> } | undefined;
  readonly tags: Map<string, TagVersion & { epoch: string }>;
  readonly entries: Map<string, { bytes: Buffer; epoch: string; seq: number; until: number }>;
  readonly leases: Map<string, { token: string | undefined; epoch: string; seq: number; until: number }>;
}

/** A server that holds nothing. */
export function empty(): Data {
  return { head: undefined, recent: undefined, tags: new Map(), entries: new Map(), leases: new Map() };
}

/** A copy that shares only what is never changed in place. */
export function copyOf({ head, recent, tags, entries, leases }: Data): Data {
  return {
    head: head && { ...head, tags: new Map(head.tags), members: new Map(head.members) },
    recent: recent && { ...recent, ring: [...recent.ring], last: new Map(recent.last) },
    tags: new Map(tags),
    entries: new Map(entries),
    leases: new Map(leases),
  };
}

/** The versions of a tag after invalidation `seq`. */
export function raised(old: TagVersion | undefined, seq: number, mode: InvalidationMode): TagVersion {
  if (old === undefined) return { deleted: seq, expired: seq };
  if (mode === 'expire') return { deleted: old.deleted, expired: Math.max(old.expired, seq) };
  return { deleted: Math.max(old.deleted, seq), expired: Math.max(old.expired, seq) };
}
