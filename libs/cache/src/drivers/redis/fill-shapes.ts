import type { FillRequest } from '../../core/ports/remote-store';
import type { HeadNode, PlacedTags } from './head';
import type { Argument } from './resp';

/** Where an entry is stored: not by this script, over whatever is there, or probably over nothing. */
const [ELSEWHERE, OVER, ANEW] = ['0', '1', '2'];

/** Tags of a request that has none to look at. */
const NOWHERE: PlacedTags = { inHead: [], keys: [] };

/** A request, its place among those of the turn, and the tags that are to be looked at for it. */
export interface Shaped {
  readonly request: FillRequest;
  readonly place: number;
  readonly tags: PlacedTags;
}

interface Shape {
  /** What all have in common, as `FILL` is told. */
  readonly told: readonly Argument[];
  readonly items: Shaped[];
}

/** Items of a `FILL` by what they have in common, which is told once; mostly all are alike. */
export class FillShapes {
  private readonly shapes = new Map<string, Shape>();
  private last: { readonly of: FillRequest; readonly shape: Shape } | undefined;

  constructor(
    requests: readonly FillRequest[],
    private readonly head: HeadNode,
    private readonly holdsEntries: boolean,
  ) {
    requests.forEach((request, place) => this.add(request, place));
  }

  /** Those of one shape follow each other. */
  get items(): readonly Shaped[] {
    return [...this.shapes.values()].flatMap(({ items }) => items);
  }

  get told(): Argument[] {
    const all: Argument[] = [this.shapes.size];
    for (const { items, told } of this.shapes.values()) all.push(items.length, ...told);
    return all;
  }

  private add(request: FillRequest, place: number): void {
    const { tags, settled = 0 } = request;
    const placed = settled === tags.length ? NOWHERE : this.head.place(tags.slice(settled));
    this.shapeOf(request, placed).items.push({ request, place, tags: placed });
  }

  private shapeOf(request: FillRequest, placed: PlacedTags): Shape {
    if (placed === NOWHERE && this.last !== undefined && areAlike(this.last.of, request)) return this.last.shape;
    const { born, wasAbsent, ttlMs } = request;
    const how = !this.holdsEntries ? ELSEWHERE : wasAbsent === true ? ANEW : OVER;
    const told = [placed.keys.length, how, born.epoch, born.seq, ttlMs, placed.inHead.length, ...placed.inHead];
    const name = told.join('\n');
    let shape = this.shapes.get(name);
    if (shape === undefined) this.shapes.set(name, (shape = { told, items: [] }));
    if (placed === NOWHERE) this.last = { of: request, shape };
    return shape;
  }
}

const areAlike = (one: FillRequest, other: FillRequest): boolean =>
  one.born === other.born && one.ttlMs === other.ttlMs && one.wasAbsent === other.wasAbsent;
