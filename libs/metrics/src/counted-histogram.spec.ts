import { Histogram, Registry } from 'prom-client';
import { CountedHistogram } from './counted-histogram';

const DEFINITION = { name: 'd_seconds', help: 'Durations.', labelNames: ['route', 'status'], buckets: [0.1, 0.5, 1] };

/** Below, on and above each bound, under labels that come and go. */
const OBSERVED = [
  ['/a', 200, 0.05],
  ['/a', 200, 0.1],
  ['/a', 404, 0.5],
  ['/b', 200, 0.75],
  ['/a', 200, 1],
  ['/b', 200, 7],
] as const;

describe('CountedHistogram', () => {
  function both() {
    const [ours, theirs] = [new Registry(), new Registry()];
    const counted = new CountedHistogram({ ...DEFINITION, registers: [ours] });
    const usual = new Histogram({ ...DEFINITION, registers: [theirs] });
    for (const [route, status, seconds] of OBSERVED) {
      counted.of(route, status).observe(seconds);
      usual.observe({ route, status }, seconds);
    }
    return { ours, theirs, counted, usual };
  }

  const lines = (text: string): string[] =>
    text
      .trim()
      .split('\n')
      .map((line) => line.replace(/\{(.*)\}/, (_all, labels: string) => `{${labels.split(',').sort().join()}}`))
      .sort();

  it('shows what the histogram of prom-client shows', async () => {
    const { ours, theirs } = both();
    expect(lines(await ours.metrics())).toEqual(lines(await theirs.metrics()));
  });

  it('begins anew when it is reset, as that one does', async () => {
    const { ours, theirs, counted, usual } = both();
    counted.reset();
    usual.reset();
    counted.of('/a', 200).observe(0.2);
    usual.observe({ route: '/a', status: 200 }, 0.2);
    expect(lines(await ours.metrics())).toEqual(lines(await theirs.metrics()));
  });
});
