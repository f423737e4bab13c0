// L1 hits: one hot key, and 10 000 keys by Zipf 0.99. Each contestant has processes of its own: none pays for what
// the engine has learnt of the others' code, or for their part of the heap.
import { fork } from 'node:child_process';
import { conversationWith } from '../common/conversation.mjs';
import { MIDDLE_HALF, ratio, typical } from '../common/ratios.mjs';
import { interleaved } from '../common/rounds.mjs';
import { table } from '../common/report.mjs';
import { LOCAL } from './local-contestants.mjs';

/** What another build is asked for too. */
const BESIDE = ['Strata getOrSet, lease held', 'Strata peek, lease held'];

export async function localHits({ rounds, processes, runMs, beside }) {
  const contestants = await Promise.all([
    ...Object.keys(LOCAL).map((name) => open(name, processes, runMs)),
    ...(beside ? BESIDE : []).map((name) => open(name, processes, runMs, beside)),
  ]);
  const on = (which) =>
    interleaved(
      contestants.map(({ name, talks }) => ({ name, processes: talks.map(({ ask }) => ({ run: () => ask(which) })) })),
      rounds,
    );
  const [byZipf, onOne] = [await on('zipf'), await on('one')];
  for (const { talks } of contestants) for (const { child } of talks) child.kill();
  const rows = [...byZipf].map(([name, rates]) => [
    name,
    ...ratio(rates, byZipf.get('Map, await')),
    ...[rates, onOne.get(name)].map((all) => Math.round(typical(all)).toLocaleString('en')),
  ]);
  const columns = ['contestant', 'of Map, await', MIDDLE_HALF, 'Zipf ops/s', 'one key ops/s'];
  return [table('L1 hit', columns, rows)];
}

async function open(name, processes, runMs, beside) {
  const execArgv = ['--expose-gc', '--no-flush-bytecode'];
  const file = new URL('local-child.mjs', import.meta.url);
  const start = async () => {
    const child = fork(file, [name, String(runMs)], { execArgv, cwd: beside ?? process.cwd() });
    const talk = conversationWith(child, name);
    await talk.answer();
    return { child, ...talk };
  };
  const talks = await Promise.all(Array.from({ length: processes }, start));
  return { name: beside ? name.replace('Strata', 'beside:') : name, talks };
}
