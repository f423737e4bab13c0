import * as echarts from 'echarts';
import { PERCENTILES } from './summary.mjs';

const SIZE = { width: 760, height: 300 };
const COLORS = ['#2563eb', '#f97316', '#16a34a', '#a855f7'];

/** One chart as SVG text: drawn here, so that the report needs no script and no network. */
export function draw(option) {
  const chart = echarts.init(null, null, { renderer: 'svg', ssr: true, ...SIZE });
  chart.setOption({
    animation: false,
    color: COLORS,
    textStyle: { fontFamily: 'system-ui, sans-serif' },
    legend: { top: 0 },
    grid: { left: 70, right: 20, top: 40, bottom: 45 },
    ...option,
  });
  const svg = chart.renderToSVGString();
  chart.dispose();
  return svg;
}

export const line = (name, data, extra = {}) => ({ name, type: 'line', showSymbol: false, data, ...extra });
export const overTime = { type: 'value', name: 'seconds', nameLocation: 'middle', nameGap: 28, minInterval: 1 };

/** Latency by percentile, on a logarithmic axis, one line for each phase. */
export function percentileChart(phases) {
  const points = [...PERCENTILES, 100];
  const valuesOf = ({ latency }) => points.map((p) => latency.getValueAtPercentile(p) / 1_000);
  return draw({
    xAxis: { type: 'category', data: points.map((p) => (p === 100 ? 'max' : `p${p}`)) },
    yAxis: { type: 'log', name: 'ms' },
    series: phases.map(({ name, recorder }) => line(name, valuesOf(recorder), { showSymbol: true })),
  });
}

export function latencyOverTime(phases) {
  const series = phases.flatMap(({ name, series: seconds }) => [
    line(
      `${name}, p50`,
      seconds.map(({ p50 }, second) => [second, p50]),
    ),
    line(
      `${name}, p99`,
      seconds.map(({ p99 }, second) => [second, p99]),
      { lineStyle: { type: 'dashed' } },
    ),
  ]);
  return draw({ xAxis: overTime, yAxis: { type: 'log', name: 'ms' }, series });
}

export function throughputOverTime(phases) {
  const series = phases.flatMap(({ name, series: seconds }) => [
    line(
      name,
      seconds.map(({ requests }, second) => [second, requests]),
    ),
    line(
      `${name}, errors`,
      seconds.map(({ errors }, second) => [second, errors]),
      { areaStyle: {} },
    ),
  ]);
  return draw({ xAxis: overTime, yAxis: { type: 'value', name: 'a second' }, series });
}

/** Of the instance with the cache: where answers came from, from second to second. */
export function tiersOverTime({ steps }) {
  const area = (name, of) =>
    line(
      name,
      steps.map((step) => [Math.round(step.at), +(of(step) * 100).toFixed(2)]),
      { stack: 'all', areaStyle: {} },
    );
  return draw({
    xAxis: overTime,
    yAxis: { type: 'value', name: '%', max: 100 },
    series: [area('L1', ({ l1 }) => l1), area('L2', ({ l2 }) => l2), area('loaded', ({ missed }) => missed)],
  });
}

export function memoryOverTime(phases) {
  const series = phases.flatMap(({ name, samples }) => [
    line(
      `${name}, RSS`,
      samples.map(({ at, rssMb }) => [+at.toFixed(1), +rssMb.toFixed(1)]),
    ),
    line(
      `${name}, heap`,
      samples.map(({ at, heapMb }) => [+at.toFixed(1), +heapMb.toFixed(1)]),
      {
        lineStyle: { type: 'dashed' },
      },
    ),
  ]);
  return draw({ xAxis: overTime, yAxis: { type: 'value', name: 'MB' }, series });
}
