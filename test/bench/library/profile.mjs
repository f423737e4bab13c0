// npm run bench:profile-l2 [-- --what hits --contestant Strata --lanes 64 --count 200000 --most 25 --beside DIR]: where
// the microseconds of an L2 hit (or a stored miss) go, function by function. Wall time: what waits is `(idle)`.
import { fork } from 'node:child_process';
import { resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { startRedis } from '../../peers/redis.mjs';
import { conversationWith } from '../common/conversation.mjs';
import { installPeers } from '../common/peers.mjs';
import { PROFILED, profileTable } from '../common/profile.mjs';
import { circumstances, writeResults } from '../common/report.mjs';
import { REMOTE } from './contestants.mjs';

const CHOICES = { what: ['hits', 'misses'], contestant: Object.keys(REMOTE) };
const { values } = parseArgs({
  options: {
    what: { type: 'string', default: 'hits' },
    contestant: { type: 'string', default: 'Strata' },
    lanes: { type: 'string', default: '64' },
    count: { type: 'string', default: '200000' },
    most: { type: 'string', default: '25' },
    /** Another checkout that has been built: the contestant is that one's. */
    beside: { type: 'string', default: '.' },
  },
});
for (const [name, known] of Object.entries(CHOICES)) {
  if (known.includes(values[name])) continue;
  process.stderr.write(`--${name} takes ${known.join(' | ')}, not ${values[name]}\n`);
  process.exit(2);
}
installPeers();
const redis = await startRedis();
const child = fork(new URL('remote-child.mjs', import.meta.url), [values.contestant, String(redis.port)], {
  execArgv: ['--expose-gc', '--no-flush-bytecode', '--import', PROFILED],
  cwd: resolve(values.beside),
});
const { answer, ask } = conversationWith(child, values.contestant);
try {
  await answer();
  const [what, lanes, count] = [values.what, Number(values.lanes), Number(values.count)];
  await ask({ what, lanes, count });
  child.send('begin');
  // Half as many again are done before they are counted, to warm up.
  await ask({ what, lanes, count });
  const profile = await ask('end');
  const title = `${values.contestant}, ${what} of L2, ${lanes} at a time`;
  const operation = what.replace(/e?s$/, '');
  writeResults('profile-l2', circumstances(), [
    profileTable(title, profile, count * 1.5, operation, Number(values.most)),
  ]);
} finally {
  child.kill();
  await redis.stop();
}
