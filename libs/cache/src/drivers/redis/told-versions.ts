import { livesInHead } from '../../core/coherence/tags';
import type { RemoteRead, TagRead, TagVersion } from '../../core/ports/remote-store';
import { LEASE_LENGTH } from './scripts/parts';

/** Who wants to know of tags, and of the one that a load lease is kept with. */
interface Asking {
  readonly tags: readonly string[];
  readonly lease: string | undefined;
}

/** What is asked for, each once: tags that live in `head`, and the others. */
export function placesOf(wanted: readonly Asking[]): { readonly fields: Places; readonly tags: Places } {
  const [fields, tags] = [new Places(), new Places()];
  for (const { tags: declared, lease } of wanted) {
    if (lease !== undefined) tags.add(lease);
    for (const tag of declared) {
      if (livesInHead(tag)) fields.add(tag);
      else if (tag !== lease) tags.add(tag);
    }
  }
  return { fields, tags };
}

/** Distinct names in the order of their first mention. */
export class Places {
  private readonly places = new Map<string, number>();

  get size(): number {
    return this.places.size;
  }

  get list(): string[] {
    return [...this.places.keys()];
  }

  /** @returns its place */
  add(name: string): number {
    const known = this.places.get(name);
    if (known !== undefined) return known;
    const { size } = this.places;
    this.places.set(name, size);
    return size;
  }

  of(name: string): number {
    return this.places.get(name)!;
  }
}

/** What one look at `head` and at the tags of a turn has told; each version is read once. */
export class Told {
  readonly head: TagRead['head'];
  private readonly inHead: (TagVersion | undefined)[] = [];
  private readonly byKey: (TagVersion | undefined)[] = [];

  constructor(
    opened: readonly (Buffer | null)[],
    versions: readonly (Buffer | null)[],
    ownRun: string,
    private readonly fields: Places,
    private readonly tags: Places,
  ) {
    const [epoch, run, seq, ...ofHead] = opened.map((bytes) => bytes?.toString('latin1'));
    // `head` of another run of the server: its versions say nothing about what this run holds.
    if (epoch === undefined || run !== ownRun) return;
    this.head = { epoch, seq: Number(seq) };
    this.inHead = ofHead.map((text) => version(text, epoch));
    this.byKey = versions.map((bytes) => version(bytes?.toString('latin1'), epoch));
  }

  /** Nothing found, and leave to load asked for in the same step. */
  granted(tags: readonly string[], outcome: number): RemoteRead {
    const { head } = this;
    if (head === undefined) return this.of(tags, undefined);
    const grant = { epoch: head.epoch, seq: head.seq, granted: outcome === 1, filled: outcome === 2 };
    // Whoever loads has no use for versions.
    return { bytes: undefined, head, versions: [], grant };
  }

  of(tags: readonly string[], bytes: Buffer | undefined): RemoteRead {
    const versions = tags.map((tag) =>
      livesInHead(tag) ? this.inHead[this.fields.of(tag)] : this.byKey[this.tags.of(tag)],
    );
    return { bytes, head: this.head, versions };
  }
}

/** `epoch|deleted|expired`, perhaps behind a load lease; a version of another epoch is unknown. */
function version(text: string | undefined, epoch: string): TagVersion | undefined {
  if (text === undefined) return undefined;
  const first = text.startsWith(epoch) ? 0 : LEASE_LENGTH;
  if (!text.startsWith(epoch, first)) return undefined;
  const [, deleted, expired] = text.slice(first).split('|');
  return { deleted: Number(deleted), expired: Number(expired) };
}
