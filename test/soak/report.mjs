import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { draw, line, overTime } from '../load/charts.mjs';

/** The samples as one HTML file with charts, like the report of the load test. */
export function writeReport(file, samples, verdict) {
  const points = (of) => samples.map((sample) => [Math.round(sample.at), of(sample)]);
  const mb = (bytes) => +(bytes / 1e6).toFixed(2);
  const memory = ['heapUsed', 'external', 'rss'].map((name) =>
    line(
      name,
      points((sample) => mb(sample[name])),
    ),
  );
  const resources = [...new Set(samples.flatMap((sample) => Object.keys(sample.resources)))];
  const counts = resources.map((name) =>
    line(
      name,
      points((sample) => sample.resources[name] ?? 0),
    ),
  );
  const tables = Object.keys(samples[0].tables).map((name) =>
    line(
      name,
      points((sample) => sample.tables[name]),
    ),
  );
  const caches = Object.keys(samples[0].caches).map((name) =>
    line(
      `entries of ${name}`,
      points((sample) => sample.caches[name]?.size ?? 0),
    ),
  );
  const charts = [
    ['memory', 'MB after a collection', memory],
    ['resources', 'active resources', counts],
    ['tables', 'tables and entries', [...tables, ...caches]],
  ];
  const figures = charts.map(([id, name, series]) => {
    const svg = draw({ xAxis: overTime, yAxis: { type: 'value', name }, series });
    return `<figure id="${id}">${svg}</figure>`;
  });
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(
    file,
    `<!doctype html><html lang="en"><meta charset="utf-8"><title>Strata soak</title>
<body style="font-family:system-ui,sans-serif;max-width:800px;margin:2rem auto">
<h1>Strata soak</h1><pre>${verdict.replace(/</g, '&lt;')}</pre>${figures.join('\n')}</body></html>\n`,
  );
}

const BARS = '▁▂▃▄▅▆▇█';

/** A chart of one line for the terminal. */
export function sparkline(values) {
  const [low, high] = [Math.min(...values), Math.max(...values)];
  const height = (value) => (high === low ? 0 : Math.round(((value - low) / (high - low)) * (BARS.length - 1)));
  return values.map((value) => BARS[height(value)]).join('');
}
