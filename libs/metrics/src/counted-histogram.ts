import {
  Histogram,
  type HistogramConfiguration,
  type MetricObjectWithValues,
  type MetricValueWithName,
} from 'prom-client';

type Exported<L extends string> = MetricObjectWithValues<MetricValueWithName<L>>;

/** Series by their label values, one level for each label. */
type Level<L extends string> = Map<string | number, Level<L> | Series<L>>;

/** One combination of labels. */
export class Series<L extends string> {
  private readonly counts: Float64Array;
  private sum = 0;

  constructor(
    readonly labels: Readonly<Record<L, string>>,
    private readonly bounds: readonly number[],
  ) {
    this.counts = new Float64Array(bounds.length + 1);
  }

  observe(value: number): void {
    let bucket = 0;
    while (bucket < this.bounds.length && value > this.bounds[bucket]!) bucket++;
    this.counts[bucket]!++;
    this.sum += value;
  }

  /** As a scrape shows it: buckets add up, then sum and count. */
  values(name: string): MetricValueWithName<L>[] {
    let total = 0;
    const labels = (le?: string): MetricValueWithName<L>['labels'] => ({ ...this.labels, ...(le && { le }) });
    const bounds = [...this.bounds.map(String), '+Inf'];
    const buckets = bounds.map((le, i) => ({
      metricName: `${name}_bucket`,
      labels: labels(le),
      value: (total += this.counts[i]!),
    }));
    return [
      ...buckets,
      { metricName: `${name}_sum`, labels: labels(), value: this.sum },
      { metricName: `${name}_count`, labels: labels(), value: total },
    ];
  }
}

/**
 * A histogram whose observations are plain counts: `Histogram.observe` sorts, hashes and looks up its labels each
 * time, which is 1 µs of the 15 of a hit over HTTP.
 */
export class CountedHistogram<L extends string> extends Histogram<L> {
  private cells: Series<L>[] = [];
  private byValue: Level<L> = new Map();

  constructor(private readonly definition: HistogramConfiguration<L>) {
    super(definition);
  }

  /** The series of these label values, in the order of the label names. */
  of(...values: readonly (string | number)[]): Series<L> {
    let place: Level<L> | Series<L> = this.byValue;
    for (let i = 0; i < values.length; i++) {
      const level: Level<L> = place as Level<L>;
      place = level.get(values[i]!) ?? this.grow(level, values, i);
    }
    return place as Series<L>;
  }

  private grow(level: Level<L>, values: readonly (string | number)[], i: number): Level<L> | Series<L> {
    if (i < values.length - 1) {
      const next: Level<L> = new Map();
      level.set(values[i]!, next);
      return next;
    }
    const names = this.definition.labelNames as readonly L[];
    const labels = Object.fromEntries(names.map((name, at) => [name, String(values[at])])) as Record<L, string>;
    const made = new Series(labels, this.definition.buckets ?? []);
    this.cells.push(made);
    level.set(values[i]!, made);
    return made;
  }

  override get(): Promise<Exported<L>> {
    const { name, help } = this.definition;
    const values = this.cells.flatMap((cell) => cell.values(name));
    // prom-client's types know its kinds as an enum that it does not export, and ask for a `collect` that is not read.
    const exported: object = { name, help, type: 'histogram', aggregator: 'sum', values };
    return Promise.resolve(exported as Exported<L>);
  }

  /** What the registry asks for when it writes text; not in prom-client's types. */
  getForPromString(): Promise<Exported<L>> {
    return this.get();
  }

  override reset(): void {
    super.reset();
    this.cells = [];
    this.byValue = new Map();
  }
}
