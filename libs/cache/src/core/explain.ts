import type { Clock } from './ports/clock';
import type { CoherenceState } from './coherence/coherence-state';
import type { DecodedEntry, Entry } from './entry';
import { deadAt, freshness } from './lifetime';
import { assertKey, protocolTags } from './keys';
import type { LocalTier } from './tiers/local-tier';
import type { RemoteLookup } from './tiers/remote-lookup';
import type { RemoteTier } from './tiers/remote-tier';

/**
 * What a tier would do with an entry now: `fresh` and `stale` are served (stale: while it is loaded anew),
 * `expired` may only stand in for an error, `invalidated` is outdated, `unproven` waits for L2 to vouch for it,
 * `unreadable` is damaged or of another version, `unavailable` means that the tier cannot be asked.
 */
export type EntryState =
  'fresh' | 'stale' | 'expired' | 'invalidated' | 'unproven' | 'absent' | 'unreadable' | 'unavailable';

/** What is known of an entry that a tier holds. Times in milliseconds. */
export interface EntryFacts {
  readonly ageMs: number;
  /** Until it is dead, stale periods included. */
  readonly ttlMs: number;
  /** Of the encoded value. */
  readonly bytes: number;
  /** It stands for "there is nothing", such as a kept 404. */
  readonly negative: boolean;
  /** As the user named them. */
  readonly tags: readonly string[];
  /** Version that it was loaded at. */
  readonly born: string;
}

/** One entry, tier by tier. Nothing is served, counted or loaded. */
export interface EntryExplanation {
  readonly key: string;
  readonly L1: { readonly state: EntryState } & Partial<EntryFacts>;
  readonly L2: { readonly state: EntryState } & Partial<EntryFacts>;
  /**
   * For each tag of the entry the invalidation that it was hit by last, as L2 has it: an entry whose `born` is below
   * it is invalidated. `null` for a tag that L2 does not know, which counts as invalidated too; except for an instance
   * that has heard of everything since the entry was born, and needs none of them.
   */
  readonly versions: Readonly<Record<string, { deleted: number; expired: number } | null>>;
}

/** Parts that {@link explainEntry} looks into. */
export interface ExplainParts<T> {
  readonly name: string;
  readonly local: LocalTier<T>;
  readonly remote: RemoteTier<T>;
  readonly state: CoherenceState;
  readonly clock: Clock;
}

/** @throws CacheError `INVALID_KEY` */
export async function explainEntry<T>(parts: ExplainParts<T>, key: string): Promise<EntryExplanation> {
  assertKey(key);
  const { local, remote, name, clock } = parts;
  const held = local.inspect(key);
  const L1 =
    held === undefined ? ({ state: 'absent' } as const) : { state: localState(parts, held), ...facts(held, clock) };
  const found = await remote.find(key, protocolTags(name, key, []));
  const entry = found.kind === 'fresh' || found.kind === 'revalidate' ? found.entry : held;
  const versions = entry === undefined ? [] : [...(await remote.marks.versionsOf(entry.tags))];
  const shown = versions.map(([tag, version]) => [tag.replace(/^t:/, ''), version ?? null] as const);
  return { key, L1, L2: remoteState(found, clock), versions: Object.fromEntries(shown) };
}

function localState<T>({ state, clock }: ExplainParts<T>, entry: Entry<T>): EntryState {
  if (!state.leaseHeld || entry.generation !== state.generation) return 'unproven';
  const verdict = state.verdictOf(entry);
  if (verdict !== 'valid') return 'invalidated';
  if (clock.now() >= entry.localUntil) return 'unproven';
  const age = freshness(entry, clock.now());
  return age === 'fresh' ? age : age === 'revalidate' ? 'stale' : 'expired';
}

function remoteState<T>(found: RemoteLookup<T>, clock: Clock): EntryExplanation['L2'] {
  if (found.kind === 'unavailable') return { state: 'unavailable' };
  if (found.kind !== 'miss') return { state: found.kind === 'fresh' ? 'fresh' : 'stale', ...facts(found.entry, clock) };
  const { reason, fallback } = found;
  const states: Partial<Record<typeof reason, EntryState>> = {
    absent: 'absent',
    unreadable: 'unreadable',
    expired: 'expired',
  };
  return { state: states[reason] ?? 'invalidated', ...(fallback === undefined ? {} : facts(fallback, clock)) };
}

function facts<T>(entry: DecodedEntry<T>, clock: Clock): EntryFacts {
  const { createdAt, bytes, negative, tags, born } = entry;
  return {
    ageMs: Math.round(clock.now() - createdAt),
    ttlMs: Math.round(deadAt(entry) - clock.now()),
    bytes,
    negative,
    tags: tags.filter((tag) => tag.startsWith('t:')).map((tag) => tag.slice(2)),
    born: `${born.epoch}:${born.seq}`,
  };
}
