import { execFileSync } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { cpus } from 'node:os';
import { join } from 'node:path';
import { draw } from '../../load/charts.mjs';

/** The middle one of several runs, or the mean of the middle two. */
export function median(numbers) {
  const sorted = [...numbers].sort((a, b) => a - b);
  const half = sorted.length / 2;
  return (sorted[Math.ceil(half) - 1] + sorted[Math.floor(half)]) / 2;
}

/** Where and with what something was measured. */
export function circumstances(packages = [], others = {}) {
  const version = (name) => JSON.parse(readFileSync(join('node_modules', name, 'package.json'), 'utf8')).version;
  return {
    at: new Date().toISOString(),
    commit: execFileSync('git', ['rev-parse', '--short', 'HEAD'], { encoding: 'utf8' }).trim(),
    command: ['node', ...process.argv.slice(1).map((part) => part.replace(`${process.cwd()}/`, ''))].join(' '),
    node: process.version,
    processor: `${cpus().length} × ${cpus()[0].model}`,
    versions: { ...Object.fromEntries(packages.map((name) => [name, version(name)])), ...others },
  };
}

/**
 * Prints a table, and keeps it for the files.
 *
 * @param rows one array of cells for each contestant, its name first
 */
export function table(title, columns, rows) {
  const widths = columns.map((column, i) => Math.max(column.length, ...rows.map((row) => String(row[i]).length)));
  const line = (cells) =>
    cells.map((cell, i) => (i === 0 ? String(cell).padEnd(widths[i]) : String(cell).padStart(widths[i]))).join('   ');
  process.stdout.write(`\n${title}\n${line(columns)}\n${rows.map((row) => `${line(row)}\n`).join('')}`);
  return { title, columns, rows };
}

/** Writes `reports/bench-<name>.json`, and the same as a page that needs nothing else: SVG, no script. */
export function writeResults(name, facts, tables) {
  mkdirSync('reports', { recursive: true });
  writeFileSync(`reports/bench-${name}.json`, `${JSON.stringify({ ...facts, tables }, undefined, 2)}\n`);
  const versions = Object.entries(facts.versions).map(([one, version]) => `${one} ${version}`);
  const under = [facts.command, facts.at, facts.commit, `Node ${facts.node}`, facts.processor, ...versions];
  const body = tables.map((one) => `<h2>${escaped(one.title)}</h2>${chart(one)}${html(one)}`).join('\n');
  writeFileSync(
    `reports/bench-${name}.html`,
    `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>Strata bench: ${name}</title><style>${STYLE}</style></head>
<body><h1>Strata bench: ${name}</h1>${body}<p class="small">${escaped(under.join(' · '))}</p></body></html>
`,
  );
  process.stdout.write(`\n${under.join(' · ')}\nreports/bench-${name}.html, reports/bench-${name}.json\n`);
}

/** Bars of the first column of figures. */
function chart({ columns, rows }) {
  const numbers = rows.map((row) => Number(String(row[1]).replace(/[^\d.-]/g, '')));
  if (numbers.some(Number.isNaN)) return '';
  return draw({
    grid: { left: 220, right: 40, top: 10, bottom: 45 },
    xAxis: { type: 'value', name: columns[1], nameLocation: 'middle', nameGap: 28 },
    yAxis: {
      type: 'category',
      data: rows.map(([name]) => name),
      inverse: true,
      axisLabel: { width: 200, overflow: 'truncate' },
    },
    series: [{ type: 'bar', data: numbers, label: { show: true, position: 'right' } }],
  });
}

function html({ columns, rows }) {
  const row = (cells, tag) => `<tr>${cells.map((cell) => `<${tag}>${escaped(String(cell))}</${tag}>`).join('')}</tr>`;
  return `<table>${row(columns, 'th')}${rows.map((cells) => row(cells, 'td')).join('')}</table>`;
}

const escaped = (text) =>
  text.replace(/[&<>"]/g, (c) => ({ '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' })[c]);

const STYLE = `body{font-family:system-ui,sans-serif;max-width:52rem;margin:2rem auto;padding:0 1rem}
table{border-collapse:collapse}td,th{padding:.25rem .75rem;text-align:right;border-bottom:1px solid #ddd}
td:first-child,th:first-child{text-align:left}.small{color:#555;font-size:.85rem}svg{max-width:100%;height:auto}`;
