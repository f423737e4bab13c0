import { createServer } from 'node:net';
import { once } from 'node:events';
import { loadConfig, unknownVariables, type Config } from './config/config';
import { ServiceLogger } from './logging/service-logger';
import { banner } from './runtime/banner';
import { chooseBacking, type Backing } from './runtime/backing';
import { createApp } from './runtime/bootstrap';
import { Draining } from './runtime/draining';
import { explainFailure, listenProblem } from './runtime/explain-failure';
import { UserError } from './runtime/user-error';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';

interface Running {
  readonly draining: Draining;
  config?: Config;
  backing?: Backing;
  app?: NestFastifyApplication;
}

async function start(running: Running): Promise<void> {
  const config = (running.config = loadConfig());
  // Before anything is started: a second `npm start` must not reach for the first one's database.
  await refuseTakenPort(config);
  const backing = (running.backing = await chooseBacking(config));
  const app = (running.app = await createApp(config, backing, running.draining));
  for (const name of unknownVariables())
    app.get(ServiceLogger).warn(`${name} is no variable of this service`, 'Config');
  await app.listen(config.PORT, config.HOST);
  announce(config, backing, app, await publicUrl(app));
}

/** For people a page, for machines a line. */
function announce(config: Config, backing: Backing, app: NestFastifyApplication, url: string): void {
  if (config.NODE_ENV !== 'production') return void process.stdout.write(`${banner(config, backing, url)}\n`);
  const facts = { url, database: backing.databaseReason, redis: backing.redisReason };
  app.get(ServiceLogger).facts('log', 'Start', `Strata is ready at ${url}`, facts);
}

/** Requests under way are finished first; what has not ended after this long is cut. */
const DRAIN_LIMIT_MS = 10_000;

async function stop(running: Running): Promise<void> {
  const { app, backing, config, draining } = running;
  if (app !== undefined && config !== undefined) {
    await draining.begin(config.SHUTDOWN_DRAIN, config.SHUTDOWN_REFUSE);
  }
  const server = app?.getHttpServer();
  // A connection that falls idle after its last answer would otherwise hold the stop until it times out.
  const sweep = setInterval(() => server?.closeIdleConnections(), 50);
  const cut = setTimeout(() => server?.closeAllConnections(), DRAIN_LIMIT_MS);
  await app?.close();
  clearInterval(sweep);
  clearTimeout(cut);
  await backing?.stop();
}

async function refuseTakenPort(config: Config): Promise<void> {
  const probe = createServer().listen(config.PORT, config.HOST);
  try {
    await once(probe, 'listening');
  } catch (error) {
    throw new UserError(listenProblem(error as NodeJS.ErrnoException, config), { cause: error });
  }
  probe.close();
  await once(probe, 'close');
}

async function publicUrl(app: NestFastifyApplication): Promise<string> {
  return (await app.getUrl()).replace('127.0.0.1', 'localhost').replace('[::1]', 'localhost');
}

const running: Running = { draining: new Draining() };
let stopping: Promise<void> | undefined;
let signalled = false;

function stopOnce(): Promise<void> {
  stopping ??= stop(running);
  return stopping;
}

for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.on(signal, () => {
    // Asked twice: somebody is in a hurry. The embedded servers end with this process in any case.
    if (signalled) process.exit(1);
    signalled = true;
    void started.then(stopOnce, stopOnce).then(
      () => process.exit(0),
      () => process.exit(1),
    );
  });
}

const started = start(running).catch(async (error: unknown) => {
  const explanation = explainFailure(error, running.config);
  process.stderr.write(`${explanation ?? (error as Error).stack ?? String(error)}\n`);
  await stopOnce().catch(() => undefined);
  process.exit(1);
});
