// L1 hits: one hot key, and 10 000 keys by Zipf 0.99. Each contestant is a process of its own: none pays for what the
// engine has learnt of the others' code, or for their part of the heap.
import { fork } from 'node:child_process';
import { conversationWith } from '../common/conversation.mjs';
import { interleaved } from '../common/rounds.mjs';
import { table } from '../common/report.mjs';
import { LOCAL } from './local-contestants.mjs';

/** What another build is asked for too. */
const BESIDE = ['Strata getOrSet, lease held', 'Strata peek, lease held'];

export async function localHits({ rounds, runMs, beside }) {
  const contestants = await Promise.all([
    ...Object.keys(LOCAL).map((name) => open(name, runMs)),
    ...(beside ? BESIDE : []).map((name) => open(name, runMs, beside)),
  ]);
  const on = (which) =>
    interleaved(
      contestants.map(({ label, ask }) => ({ name: label, run: () => ask(which) })),
      rounds,
    );
  const [byZipf, onOne] = [await on('zipf'), await on('one')];
  for (const { child } of contestants) child.kill();
  const limit = byZipf.get('Map, await');
  const rows = [...byZipf].map(([name, rate]) => [
    name,
    (rate / limit).toFixed(2),
    Math.round(rate).toLocaleString('en'),
    Math.round(onOne.get(name)).toLocaleString('en'),
  ]);
  return [table('L1 hit', ['contestant', 'of Map, await', 'Zipf ops/s', 'one key ops/s'], rows)];
}

async function open(name, runMs, beside) {
  const execArgv = ['--expose-gc', '--no-flush-bytecode'];
  const file = new URL('local-child.mjs', import.meta.url);
  const child = fork(file, [name, String(runMs)], { execArgv, cwd: beside ?? process.cwd() });
  const { answer, ask } = conversationWith(child, name);
  await answer();
  return { label: beside ? name.replace('Strata', 'beside:') : name, child, ask };
}
