const MIN_HIT_RATE = 0.9;
export const PERCENTILES = [50, 75, 90, 95, 99, 99.9];

/** Figures of a run, as the table, the report and the verdict use them. */
export function figuresOf({ settings, phases, tiers }) {
  const [on, off] = phases;
  const cut = off === undefined ? undefined : on.recorder.latency.mean / off.recorder.latency.mean;
  return { settings, phases, tiers, cut, problems: problemsOf(phases, tiers, cut) };
}

function problemsOf(phases, tiers, cut) {
  const { hitRate } = tiers.total;
  const problems = [];
  if (!(hitRate > MIN_HIT_RATE))
    problems.push(`the hit rate is ${percent(hitRate)}, not above ${percent(MIN_HIT_RATE)}`);
  if (cut !== undefined && !(cut < 0.5)) problems.push(`the mean is cut to ${percent(cut)}, not below half`);
  for (const { name, recorder, capacity } of phases) {
    const texts = [...recorder.errors].slice(0, 5).map(([text, count]) => `${text} (${count} times)`);
    if (recorder.errorCount > 0) problems.push(`${name}: ${recorder.errorCount} errors: ${texts.join('; ')}`);
    if (capacity !== undefined && capacity.failed > 0)
      problems.push(`${name}: ${capacity.failed} errors at full speed`);
  }
  return problems;
}

/** The line that says what was done. */
export function headline({ users, rate, duration, products, zipf, writes }) {
  const who =
    rate === undefined
      ? `${users} users who think 0.1–0.5 s, ids 1–${products} drawn evenly`
      : `${rate} requests a second in an open loop, ids 1–${products} by Zipf ${zipf}, ${percent(writes)} writes`;
  return `${who}; product : list : stats = 3 : 2 : 1; ${duration} s with each; latency in ms of cached routes`;
}

/** The table of the terminal. */
export function tableOf({ settings, phases, tiers, cut, problems }) {
  const head = ['', 'requests', 'req/s', 'mean', ...PERCENTILES.map((p) => `p${p}`), 'max', 'errors', 'full speed'];
  const rows = [head, ...phases.map(rowOf)];
  const widths = head.map((_, column) => Math.max(...rows.map((row) => row[column].length)));
  const lines = rows.map((row) => row.map((cell, column) => cell.padStart(widths[column])).join('  '));
  const { hitRate, l1, l2, hits, requests } = tiers.total;
  return [
    headline(settings),
    ...lines,
    `hit rate ${percent(hitRate)} (${hits} of ${requests}: L1 ${percent(l1)}, L2 ${percent(l2)}), the first fill included`,
    ...(cut === undefined ? [] : [`mean cut to ${percent(cut)}`]),
    ...(settings.rate === undefined ? [] : [latenessLine(phases)]),
    ...problems.map((problem) => `FAILED: ${problem}`),
  ].join('\n');
}

function rowOf({ name, recorder, capacity }) {
  const { latency } = recorder;
  const values = [latency.mean, ...PERCENTILES.map((p) => latency.getValueAtPercentile(p)), latency.maxValue];
  const rate = recorder.requests / recorder.measuredSeconds;
  const speed = capacity === undefined ? '' : `${Math.round(capacity.perSecond)} req/s`;
  return [name, String(recorder.requests), rate.toFixed(1), ...values.map(ms), String(recorder.errorCount), speed];
}

function latenessLine(phases) {
  const late = phases.map(({ name, recorder: { lateness } }) => {
    return `${name} p99 ${ms(lateness.getValueAtPercentile(99))}, max ${ms(lateness.maxValue)}`;
  });
  return `requests left late by (ms, counted in their latency): ${late.join('; ')}`;
}

export const ms = (micros) => (micros / 1_000).toFixed(2);
export const percent = (share) => `${(share * 100).toFixed(2)} %`;
