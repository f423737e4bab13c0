// npm run bench:profile [-- --case product --contestant 'Strata, fast lane' --seconds 5 --most 25 --beside DIR]: where the
// microseconds of a request go in the serving process, function by function. Wall time: what waits is `(idle)`.
import { once } from 'node:events';
import { resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { openDatabase } from '../../load/instances.mjs';
import { startRedis } from '../../peers/redis.mjs';
import { PROFILED, profileTable } from '../common/profile.mjs';
import { circumstances, writeResults } from '../common/report.mjs';
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
const execArgv = ['--import', PROFILED];
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
  const title = `${values.contestant}, ${values.case}`;
  writeResults('profile', circumstances(), [profileTable(title, profile, requests, 'request', Number(values.most))]);
} finally {
  await server.stop();
  await database.stop();
  await redis.stop();
}
