// The simulation outside Jest, on all cores: npm run simulate -- [--schedules 100] [--minutes 5] [--profile freeze]
//   [--seed 7]        one schedule of one profile, replayed exactly
//   [--mutants 200]   looks for the first seed at which each switched-off rule shows
//   [--rule lease]    … only of the rules whose name has this in it
//   [--from 1]        first seed
import { transformSync } from '@swc/core';
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { availableParallelism } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

const OPTIONS = {
  schedules: { type: 'string', default: '20' },
  minutes: { type: 'string' },
  profile: { type: 'string' },
  seed: { type: 'string' },
  from: { type: 'string', default: '1' },
  steps: { type: 'string', default: '5000' },
  mutants: { type: 'string' },
  rule: { type: 'string' },
  worker: { type: 'string' },
};
const values = readArguments();
const require = createRequire(import.meta.url);
const OUT = process.env.SIMULATION_OUT ?? resolve(`node_modules/.cache/strata-simulation-${process.pid}`);

if (values.worker === undefined) await main();
else await work(JSON.parse(values.worker));

/** A run of no schedule would be a proof of nothing that looks like one. */
function readArguments() {
  try {
    const given = parseArgs({ options: OPTIONS }).values;
    for (const name of ['schedules', 'seed', 'from', 'steps', 'mutants']) {
      if (!/^[1-9]\d{0,8}$/.test(given[name] ?? '1')) throw new Error(`--${name} is a whole number from 1`);
    }
    if (!(Number(given.minutes ?? 1) > 0)) throw new Error('--minutes is a number above 0');
    return given;
  } catch (error) {
    process.stderr.write(
      `${error.message}\nusage: npm run simulate [-- --schedules 20 | --minutes 5] [--profile freeze] [--seed 7] [--from 1] [--steps 5000] [--mutants 200 [--rule TEXT]]\n`,
    );
    process.exit(2);
  }
}

async function main() {
  build();
  process.once('exit', () => rmSync(OUT, { recursive: true, force: true }));
  if (values.mutants !== undefined) return hunt(Number(values.mutants));
  const { PROFILES } = require(join(OUT, 'test/coherence/simulation/profiles.js'));
  const profiles = PROFILES.map(({ name }) => name).filter((name) => name === (values.profile ?? name));
  if (profiles.length === 0) throw new Error(`no profile "${values.profile}": ${PROFILES.map(({ name }) => name)}`);
  const count = availableParallelism();
  const startedAt = Date.now();
  const shares = await Promise.all(Array.from({ length: count }, (_, index) => worker({ profiles, index, count })));
  const total = { schedules: 0, steps: 0, reads: 0, writes: 0, deferred: 0, violations: [] };
  for (const share of shares) {
    for (const name of Object.keys(total)) {
      if (name === 'violations') total.violations.push(...share.violations);
      else total[name] += share[name];
    }
  }
  const { violations, ...figures } = total;
  const seconds = Math.round((Date.now() - startedAt) / 1_000);
  process.stdout.write(
    `${JSON.stringify({ ...figures, violations: violations.length, profiles: profiles.length, seconds })}\n`,
  );
  for (const one of violations.slice(0, 20)) process.stdout.write(`${JSON.stringify(one)}\n`);
  process.exitCode = violations.length === 0 ? 0 : 1;
}

async function worker(task) {
  const child = fork(fileURLToPath(import.meta.url), [...process.argv.slice(2), '--worker', JSON.stringify(task)], {
    env: { ...process.env, SIMULATION_OUT: OUT },
  });
  const [share] = await once(child, 'message');
  return share;
}

/** Every profile in turn, seed after seed, until the schedules are done or the time is over. */
async function work({ profiles, index, count }) {
  const { PROFILES } = require(join(OUT, 'test/coherence/simulation/profiles.js'));
  const { run } = require(join(OUT, 'test/coherence/simulation/run.js'));
  const library = loadLibrary(OUT);
  const share = { schedules: 0, steps: 0, reads: 0, writes: 0, deferred: 0, violations: [] };
  const deadline = values.minutes === undefined ? Infinity : Date.now() + Number(values.minutes) * 60_000;
  const from = Number(values.seed ?? values.from);
  const until =
    values.seed !== undefined ? from + 1 : values.minutes === undefined ? from + Number(values.schedules) : Infinity;
  for (let n = index, seed = from; seed < until && Date.now() < deadline; seed++) {
    for (const profile of PROFILES.filter(({ name }) => profiles.includes(name))) {
      // Dealt out in turn: each worker gets its share of every profile.
      if (n++ % count !== 0) continue;
      const report = await run(library, profile, seed, { steps: Number(values.steps) });
      share.schedules++;
      for (const name of ['steps', 'reads', 'writes', 'deferred']) share[name] += report[name];
      if (report.violations.length > 0) share.violations.push(report);
      if (values.seed !== undefined) process.stdout.write(`${JSON.stringify(report)}\n`);
    }
  }
  process.send(share);
  process.disconnect();
}

/** The first seed at which each switched-off rule breaks its profile. */
async function hunt(most) {
  const { MUTANTS } = require(join(OUT, 'test/coherence/simulation/mutants/index.js'));
  const { loadMutant } = require(join(OUT, 'test/coherence/simulation/load-mutant.js'));
  const { PROFILES } = require(join(OUT, 'test/coherence/simulation/profiles.js'));
  const { run } = require(join(OUT, 'test/coherence/simulation/run.js'));
  for (const [i, mutant] of MUTANTS.entries()) {
    if (!mutant.rule.includes(values.rule ?? '')) continue;
    const library = loadMutant(mutant.edits, join(OUT, `mutant-${i}`), require);
    const profile = PROFILES.find(({ name }) => name === (values.profile ?? mutant.profile));
    let found;
    for (let seed = Number(values.from); seed < Number(values.from) + most && found === undefined; seed++) {
      const { violations } = await run(library, profile, seed, { steps: Number(values.steps), rules: mutant.rules });
      const [first] = violations.filter(({ rule }) => rule.startsWith('C'));
      if (first !== undefined) found = { seed, ...first };
    }
    process.stdout.write(
      `${profile.name.padEnd(16)} ${String(found?.seed ?? 'none').padStart(5)}  ${mutant.rule}  ${found?.rule ?? ''} ${found?.what ?? ''}\n`,
    );
  }
}

function loadLibrary(root) {
  const { Strata } = require(join(root, 'libs/cache/src/core/strata.js'));
  const { CacheError } = require(join(root, 'libs/cache/src/core/errors.js'));
  const { LruLocalStore } = require(join(root, 'libs/cache/src/drivers/memory/lru-local-store.js'));
  return { Strata, CacheError, LruLocalStore };
}

/** The sources as they are, as CommonJS, where packages are still found. */
function build() {
  for (const folder of ['libs/cache/src/core', 'libs/cache/src/drivers/memory', 'test/coherence']) {
    for (const name of readdirSync(folder, { recursive: true })) {
      if (!name.endsWith('.ts') || name.endsWith('.spec.ts') || /^history\/|schedules\.ts$/.test(name)) continue;
      const file = join(folder, name);
      const up = '../'.repeat(dirname(file).split('/').length);
      const { code } = transformSync(readFileSync(file, 'utf8'), {
        jsc: { parser: { syntax: 'typescript' }, target: 'es2022' },
        module: { type: 'commonjs' },
      });
      const path = join(OUT, file.replace(/\.ts$/, '.js'));
      mkdirSync(dirname(path), { recursive: true });
      writeFileSync(path, code.replaceAll('@strata/cache/core', `${up}libs/cache/src/core/index.js`));
      // `load-mutant` reads the sources from beside itself.
      writeFileSync(join(OUT, file), readFileSync(file));
    }
  }
  writeFileSync(join(OUT, 'package.json'), '{"type":"commonjs"}');
}
