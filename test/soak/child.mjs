// The service in a process that can be looked into: forked by soak.mjs with --expose-gc.
import { createRequire } from 'node:module';
import { join } from 'node:path';
import v8 from 'node:v8';

const require = createRequire(import.meta.url);
const dist = join(process.cwd(), 'dist');
const { loadConfig } = require(join(dist, 'apps/api/src/config/config.js'));
const { createApp } = require(join(dist, 'apps/api/src/runtime/bootstrap.js'));
const { CacheBackend } = require(join(dist, 'libs/cache/src/nest/cache-backend.js'));
const { HttpResponse } = require(join(dist, 'libs/cache/src/nest/http-response.js'));
const { Loading } = require(join(dist, 'libs/cache/src/core/loading.js'));

/** The bound of the table of invalidations heard: filled before anything is measured, or its filling would look like a leak. */
const MOST_TAGS = 100_000;
const AT_ONCE = 500;

const config = loadConfig();
const backing = { databaseUrl: config.DATABASE_URL, embedded: false, redis: { url: config.REDIS_URL } };
const app = await createApp(config, backing);
await app.listen(config.PORT, '127.0.0.1');
const backend = app.get(CacheBackend);
const { strata } = backend;
for (let from = 0; from < MOST_TAGS; from += AT_ONCE)
  await strata.invalidateTags(Array.from({ length: AT_ONCE }, (_, n) => `filler:${from + n}`));
process.send({ ready: true });

// Ends with the process that has started it, in whatever way that one ends.
process.on('disconnect', () => process.exit(1));
process.on('message', async (message) => {
  if (message === 'sample') process.send({ sample: await sample() });
  else {
    await app.close();
    process.exit(0);
  }
});

async function sample() {
  // Twice, with a turn between: what finalizers let go of is collected too.
  for (let round = 0; round < 2; round++) {
    globalThis.gc();
    await new Promise(setImmediate);
  }
  const { heapUsed, external, rss } = process.memoryUsage();
  return {
    heapUsed,
    external,
    rss,
    resources: countsOf(process.getActiveResourcesInfo()),
    tables: strata.tables,
    caches: Object.fromEntries(strata.all().map((cache) => [cache.name, cache.localUsage])),
    // Things of one request or one load: none may outlive it.
    alive: {
      responses: v8.queryObjects(HttpResponse, { format: 'count' }),
      loadings: v8.queryObjects(Loading, { format: 'count' }),
    },
    outages: backend.redis.outages,
  };
}

function countsOf(names) {
  const counts = {};
  for (const name of names) counts[name] = (counts[name] ?? 0) + 1;
  return counts;
}
