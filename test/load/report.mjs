import { closeSync, mkdirSync, openSync, writeFileSync } from 'node:fs';
import { cpus } from 'node:os';
import { dirname } from 'node:path';
import { latencyOverTime, memoryOverTime, percentileChart, throughputOverTime, tiersOverTime } from './charts.mjs';
import { headline, ms, percent, PERCENTILES } from './summary.mjs';

/** Makes the folder, and finds out before the run rather than after it that nothing can be written there. */
export function prepareReport(file) {
  mkdirSync(dirname(file), { recursive: true });
  closeSync(openSync(file, 'a'));
}

/** Writes the run as one HTML file that needs nothing else: charts are SVG, there is no script. */
export function writeReport(file, figures, command) {
  writeFileSync(file, page(figures, command));
}

function page(figures, command) {
  const { settings, phases, tiers, cut, problems } = figures;
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>Strata load test</title>
<style>${STYLE}</style>
</head>
<body>
<h1>Strata load test</h1>
<p>${escaped(headline(settings))}.</p>
<p class="${problems.length === 0 ? 'passed' : 'failed'}" id="verdict">${verdict(problems)}</p>
<ul class="figures">
${figure('hit rate', percent(tiers.total.hitRate))}
${cut === undefined ? '' : figure('mean cut to', percent(cut))}
${phases.map(({ name, recorder }) => figure(`mean, ${name}`, `${ms(recorder.latency.mean)} ms`)).join('\n')}
${figure('errors', String(phases.reduce((sum, { recorder }) => sum + recorder.errorCount, 0)))}
</ul>
${table(phases)}
${chart('percentiles', 'Latency by percentile', percentileChart(phases))}
${chart('latency', 'Latency, second by second', latencyOverTime(phases))}
${chart('throughput', 'Requests and errors, second by second', throughputOverTime(phases))}
${chart('tiers', 'Where answers came from, cache on', tiersOverTime(tiers))}
${chart('memory', 'Memory of the instances', memoryOverTime(phases))}
<p class="small">${escaped(command)} · ${new Date().toISOString()} · Node ${process.version}, ${cpus().length} × ${escaped(cpus()[0]?.model ?? 'CPU')}, load and service on one machine</p>
</body>
</html>
`;
}

const verdict = (problems) =>
  problems.length === 0
    ? 'Passed: hit rate above 90 %, mean cut by more than half, no error'
    : problems.map(escaped).join('<br>');

const figure = (label, value) => `<li><b>${escaped(value)}</b> ${escaped(label)}</li>`;

const chart = (id, title, svg) => `<figure id="${id}"><figcaption>${escaped(title)}</figcaption>${svg}</figure>`;

function table(phases) {
  const head = ['', 'requests', 'mean', ...PERCENTILES.map((p) => `p${p}`), 'max', 'errors', 'full speed (req/s)'];
  const rows = phases.flatMap(({ name, recorder, capacity }) => [
    row(`<b>${escaped(name)}</b>`, recorder.requests, recorder.latency, recorder.errorCount, capacity),
    ...[...recorder.kinds]
      .sort()
      .map(([kind, latency]) => row(escaped(kind), latency.totalCount, latency, '', undefined)),
  ]);
  const headings = head.map((text) => `<th>${text}</th>`).join('');
  return `<table id="latencies"><caption>Latency in ms; the first line of each is of cached routes</caption>
<thead><tr>${headings}</tr></thead><tbody>${rows.join('\n')}</tbody></table>`;
}

function row(name, requests, latency, errors, capacity) {
  const values = [latency.mean, ...PERCENTILES.map((p) => latency.getValueAtPercentile(p)), latency.maxValue].map(ms);
  const cells = [requests, ...values, errors, capacity === undefined ? '' : Math.round(capacity.perSecond)];
  return `<tr><th>${name}</th>${cells.map((cell) => `<td>${cell}</td>`).join('')}</tr>`;
}

const ENTITIES = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' };
const escaped = (text) => String(text).replace(/[&<>"]/g, (char) => ENTITIES[char]);

const STYLE = `body{font-family:system-ui,sans-serif;max-width:800px;margin:2rem auto;padding:0 1rem;color:#1e293b}
table{border-collapse:collapse;font-variant-numeric:tabular-nums;font-size:.85rem;width:100%;display:block;overflow-x:auto}
caption{text-align:left;padding:.3rem 0}td,th{padding:.2rem .5rem;text-align:right;border-bottom:1px solid #e2e8f0;font-weight:400}
thead th{font-weight:600}.figures{list-style:none;padding:0;display:flex;gap:1.5rem;flex-wrap:wrap}.figures b{font-size:1.4rem;display:block}
figure{margin:2rem 0}figcaption{font-weight:600;margin-bottom:.5rem}svg{max-width:100%;height:auto}
.passed{color:#15803d}.failed{color:#b91c1c}.small{color:#64748b;font-size:.8rem}`;
