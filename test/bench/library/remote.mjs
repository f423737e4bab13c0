// L2: hits one at a time and 64 at a time, misses that are stored in all tiers, a stampede in one and four processes.
// Each contestant has processes of its own: none pays for what the engine has learnt of the others' code.
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { startRedis } from '../../peers/redis.mjs';
import { conversationWith } from '../common/conversation.mjs';
import { MIDDLE_HALF, ratio, typical } from '../common/ratios.mjs';
import { interleaved } from '../common/rounds.mjs';
import { table } from '../common/report.mjs';
import { COALESCING, REMOTE } from './contestants.mjs';

export async function remoteTier({ rounds, processes, operations, beside: other }) {
  // Another build of Strata would be of the same fleet on the same Redis, and find what this one has stored.
  const servers = await Promise.all([startRedis(), ...(other ? [startRedis()] : [])]);
  const contestants = await open(servers, processes, other);
  const measured = (what, count, lanes) =>
    interleaved(
      contestants.map(({ name, talks }) => ({
        name,
        processes: talks.map(({ ask }) => ({ run: () => ask({ what, count, lanes }) })),
      })),
      rounds,
    );
  const tables = [
    beside('L2 hit, 1 at a time', await measured('hits', operations / 20, 1)),
    beside('L2 hit, 64 at a time', await measured('hits', operations / 4, 64)),
    beside('miss, stored in all tiers, 64 at a time', await measured('misses', operations / 20, 64)),
  ];
  for (const { talks } of contestants) for (const { child } of talks) child.kill();
  for (const server of servers) await server.stop();
  return [...tables, await stampedes()];
}

function beside(title, measured) {
  const rows = [...measured].map(([name, rounds]) => [
    name,
    ...ratio(rounds, measured.get('ioredis'), ({ rate }) => rate),
    Math.round(typical(rounds, ({ rate }) => rate)),
    typical(rounds, ({ own }) => own).toFixed(1),
    typical(rounds, ({ server }) => server).toFixed(1),
  ]);
  const columns = ['contestant', 'of ioredis', MIDDLE_HALF, 'ops/s', 'CPU µs an operation', 'of Redis'];
  return table(title, columns, rows);
}

function open([server, ofOther], processes, other) {
  const execArgv = ['--expose-gc', '--no-flush-bytecode'];
  const start = async (name, { port }, label, cwd) => {
    const child = fork(new URL('remote-child.mjs', import.meta.url), [name, String(port)], { execArgv, cwd });
    const talk = conversationWith(child, label);
    await talk.answer();
    return { child, ...talk };
  };
  const contestant = async (name, redis, label = name, cwd = process.cwd()) => {
    const talks = [];
    // One after the other: each fills Redis, and the second must not find it half filled.
    for (let i = 0; i < processes; i++) talks.push(await start(name, redis, label, cwd));
    return { name: label, talks };
  };
  const started = Object.keys(REMOTE).map((name) => contestant(name, server));
  return Promise.all(other ? [...started, contestant('Strata', ofOther, 'beside', other)] : started);
}

/** 1 000 callers of one cold key, in one process and in four. */
async function stampedes() {
  const rows = [];
  // Counted, not timed: two at once disturb nobody.
  for (const name of COALESCING) rows.push([name, ...(await Promise.all([stampede(name, 1), stampede(name, 4)]))]);
  return table('stampede: loads for 1 000 callers of one key', ['contestant', '1 process', '4 processes'], rows);
}

async function stampede(name, processes) {
  const server = await startRedis();
  const file = new URL('stampede-child.mjs', import.meta.url);
  const given = [name, String(server.port), String(1_000 / processes)];
  const children = Array.from({ length: processes }, () => fork(file, given));
  await Promise.all(children.map((child) => once(child, 'message')));
  for (const child of children) child.send('go');
  const loads = (await Promise.all(children.map((child) => once(child, 'message')))).map(([count]) => count);
  await Promise.all(children.map((child) => child.exitCode ?? once(child, 'exit')));
  await server.stop();
  return loads.reduce((sum, count) => sum + count, 0);
}
