// npm run bench:profile [-- --case product --contestant 'Strata, fast lane' --seconds 5 --most 25 --beside DIR]: where the
// microseconds of a request go in the serving process, function by function. Wall time: what waits is `(idle)`.
import { once } from 'node:events';
import { resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { openDatabase } from '../../load/instances.mjs';
import { startRedis } from '../../peers/redis.mjs';
import { circumstances, table, writeResults } from '../common/report.mjs';
import { CASES, openContent, startServer } from './contestants.mjs';
import { load, pin } from './measure.mjs';

const { values } = parseArgs({
  options: {
    case: { type: 'string', default: 'product' },
    contestant: { type: 'string', default: 'Strata, fast lane' },
    seconds: { type: 'string', default: '5' },
    most: { type: 'string', default: '25' },
    /** Another checkout that has been built: the contestant is that one's. */
    beside: { type: 'string', default: '.' },
  },
});
if (!(values.case in CASES)) {
  process.stderr.write(`--case takes ${Object.keys(CASES).join(' | ')}, not ${values.case}\n`);
  process.exit(2);
}
const redis = await startRedis();
const database = await openDatabase(200);
const { service, constants } = await openContent(database, redis.port);
await service.stop();
const execArgv = ['--import', new URL('profiled.mjs', import.meta.url).href];
const server = await startServer(values.contestant, constants, { cwd: resolve(values.beside), execArgv });
try {
  const { path, headers } = CASES[values.case];
  pin(server.pid);
  load(server.url + path, headers, 3);
  server.child.send('begin');
  const printed = load(server.url + path, headers, Number(values.seconds));
  server.child.send('end');
  const [profile] = await once(server.child, 'message');
  const requests = Number(/(\d+) requests in/.exec(printed)[1]);
  const rows = microsByFunction(profile).slice(0, Number(values.most));
  const total = profile.timeDeltas.reduce((sum, micros) => sum + micros, 0);
  const shown = rows.map(([name, micros]) => [name, (micros / requests).toFixed(2), percent(micros / total)]);
  const title = `${values.contestant}, ${values.case}: ${(total / requests).toFixed(1)} µs a request`;
  writeResults('profile', circumstances(), [table(title, ['function', 'µs a request', 'share'], shown)]);
} finally {
  await server.stop();
  await database.stop();
  await redis.stop();
}

/** Time in each function itself, most first. */
function microsByFunction({ nodes, samples, timeDeltas }) {
  const names = new Map(nodes.map(({ id, callFrame }) => [id, nameOf(callFrame)]));
  const micros = new Map();
  samples.forEach((id, i) => {
    const name = names.get(id);
    micros.set(name, (micros.get(name) ?? 0) + timeDeltas[i]);
  });
  return [...micros].sort(([, a], [, b]) => b - a);
}

function nameOf({ functionName, url, lineNumber }) {
  const file = url.split('/').slice(-2).join('/');
  return `${functionName || 'anonymous'}${file === '' ? '' : ` (${file}:${lineNumber + 1})`}`;
}

function percent(share) {
  return `${(100 * share).toFixed(1)} %`;
}
