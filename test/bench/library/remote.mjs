// L2: hits one at a time and 64 at a time, misses that are stored in all tiers, a stampede in one and four processes.
// Each contestant is a process of its own: none pays for what the engine has learnt of the others' code.
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { startRedis } from '../../peers/redis.mjs';
import { conversationWith } from '../common/conversation.mjs';
import { interleaved } from '../common/rounds.mjs';
import { table } from '../common/report.mjs';
import { COALESCING, REMOTE } from './contestants.mjs';

export async function remoteTier({ rounds, operations, beside: other }) {
  // Another build of Strata would be of the same fleet on the same Redis, and find what this one has stored.
  const servers = await Promise.all([startRedis(), ...(other ? [startRedis()] : [])]);
  const contestants = await open(servers, other);
  const measured = (what, count, lanes) =>
    interleaved(
      contestants.map(({ name, ask }) => ({ name, run: () => ask({ what, count, lanes }) })),
      rounds,
    );
  const tables = [
    beside('L2 hit, 1 at a time', await measured('hits', operations / 20, 1)),
    beside('L2 hit, 64 at a time', await measured('hits', operations / 4, 64)),
    beside('miss, stored in all tiers, 64 at a time', await measured('misses', operations / 20, 64)),
  ];
  for (const { child } of contestants) child.kill();
  for (const server of servers) await server.stop();
  return [...tables, await stampedes()];
}

function beside(title, measured) {
  const rows = [...measured].map(([name, { rate, own, server }]) => {
    const ratio = (rate / measured.get('ioredis').rate).toFixed(2);
    return [name, ratio, Math.round(rate), own.toFixed(1), server.toFixed(1)];
  });
  return table(title, ['contestant', 'of ioredis', 'ops/s', 'CPU µs an operation', 'of Redis'], rows);
}

function open([server, ofOther], other) {
  const execArgv = ['--expose-gc', '--no-flush-bytecode'];
  const start = async (name, { port }, label = name, cwd = process.cwd()) => {
    const child = fork(new URL('remote-child.mjs', import.meta.url), [name, String(port)], { execArgv, cwd });
    const { answer, ask } = conversationWith(child, label);
    await answer();
    return { name: label, child, ask };
  };
  const started = Object.keys(REMOTE).map((name) => start(name, server));
  return Promise.all(other ? [...started, start('Strata', ofOther, 'beside', other)] : started);
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
