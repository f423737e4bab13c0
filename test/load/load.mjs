// npm run load: the workshop's mix by thinking users, or an open loop with --rate; with the cache on and off, one
// after the other in the same run. Prints a table, writes a report, ends with 1 when a floor is missed.
import { readArguments } from './arguments.mjs';
import { Client } from './client.mjs';
import { startInstances } from './instances.mjs';
import { mixOf } from './mix.mjs';
import { Monitor } from './monitor.mjs';
import { runOpenLoop } from './open-loop.mjs';
import { seeded } from './random.mjs';
import { Recorder } from './recorder.mjs';
import { prepareReport, writeReport } from './report.mjs';
import { saturate } from './saturate.mjs';
import { figuresOf, tableOf } from './summary.mjs';
import { runUsers } from './users.mjs';

const WARM_UP_SECONDS = 3;
const MOST_FULL_SPEED_SECONDS = 5;
const settings = readArguments();
const fullSpeedSeconds = Math.min(MOST_FULL_SPEED_SECONDS, settings.duration);

process.exitCode = await main().catch((error) => {
  process.stderr.write(`${error.cause?.message ?? error.message}\n`);
  return 2;
});

async function main() {
  prepareReport(settings.report);
  const own = settings.url === undefined;
  const instances = own ? await startInstances(settings.products) : alreadyThere(settings.url);
  try {
    const targets = [{ name: 'cache on', url: instances.cached }];
    if (instances.uncached !== undefined) targets.push({ name: 'cache off', url: instances.uncached });
    const monitor = new Monitor(instances.cached);
    await monitor.start();
    // Counted in the hit rate, not in the latencies: both processes, and this one, compile their hot paths first.
    for (const target of [...targets].reverse())
      await phase({ ...target, name: 'warm-up' }, instances.token, WARM_UP_SECONDS);
    const phases = [];
    for (const target of targets) {
      phases.push(await measured(target, instances.token));
      if (phases.length === 1) await monitor.stop();
    }
    // Last of all: whatever a full queue leaves behind is nobody's latency.
    if (own) for (const each of phases) each.capacity = await saturate(each.url, settings, fullSpeedSeconds);
    const figures = figuresOf({ settings, phases, tiers: monitor.tiers() });
    process.stdout.write(`${tableOf(figures)}\n`);
    writeReport(settings.report, figures, ['npm run load --', ...process.argv.slice(2)].join(' '));
    process.stdout.write(`report: ${settings.report}\n`);
    return figures.problems.length === 0 ? 0 : 1;
  } finally {
    await instances.stop();
  }
}

/** An instance that somebody else runs; `ADMIN_TOKEN` of the environment is for it. */
function alreadyThere(url) {
  return { cached: url, uncached: undefined, token: process.env.ADMIN_TOKEN, stop: async () => undefined };
}

async function measured(target, token) {
  const monitor = new Monitor(target.url);
  await monitor.start();
  const recorder = await phase(target, token, settings.duration);
  await monitor.stop();
  return { ...target, recorder, series: recorder.series(), samples: monitor.samples };
}

async function phase({ name, url }, token, seconds) {
  const random = seeded(settings.seed);
  const next = mixOf(settings, random);
  const recorder = new Recorder();
  const isOpen = settings.rate !== undefined;
  const client = new Client(url, isOpen ? null : settings.users, token);
  const progress = setInterval(() => showProgress(name, recorder, seconds), 1_000);
  try {
    const run = { client, next, recorder, random, seconds };
    await (isOpen ? runOpenLoop({ ...run, rate: settings.rate }) : runUsers({ ...run, users: settings.users }));
    recorder.measuredSeconds = recorder.elapsed;
  } finally {
    clearInterval(progress);
    process.stderr.write('\n');
    await client.close();
  }
  return recorder;
}

function showProgress(name, { requests, errorCount, elapsed, latency }, seconds) {
  const left = Math.max(0, seconds - elapsed).toFixed(0);
  const mean = (latency.mean / 1_000).toFixed(2);
  process.stderr.write(`\r${name}: ${requests} requests, mean ${mean} ms, ${errorCount} errors, ${left} s left   `);
}
