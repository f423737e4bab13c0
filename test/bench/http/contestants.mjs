// What is asked for, and the processes that answer it.
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { startService } from '../../load/instances.mjs';

export const { freePort } = createRequire(import.meta.url)(
  join(process.cwd(), 'dist/apps/api/src/embedded/free-port.js'),
);
const [PRODUCT, LIST] = ['/products/7', '/products?category=books&limit=33'];

export const CASES = {
  product: { path: PRODUCT, headers: [] },
  list: { path: LIST, headers: [] },
  '304 of the product': { path: PRODUCT, headers: ['if-none-match: *'] },
  'list, gzip': { path: LIST, headers: ['accept-encoding: gzip'] },
};

/** The service, and what it answers: all contestants send the same bytes. */
export async function openContent(database, redisPort) {
  const environment = { ...database.environment, REDIS_URL: `redis://127.0.0.1:${redisPort}`, LOG_LEVEL: 'error' };
  const service = await startService(environment);
  await describe(service.url, database.token, 500);
  const content = async (path) => Buffer.from(await (await fetch(service.url + path)).arrayBuffer());
  const [product, list] = [await content(PRODUCT), await content(LIST)];
  const { headers } = await fetch(service.url + PRODUCT);
  const own = [...headers].filter(([name]) => !/^(date|connection|keep-alive|content-length|content-type)$/.test(name));
  const constants = {
    PRODUCT: product.toString('base64'),
    LIST: list.toString('base64'),
    GZIP: gzipSync(list).toString('base64'),
    HEADERS: JSON.stringify(Object.fromEntries(own)),
    REDIS_URL: environment.REDIS_URL,
  };
  return { service, constants, further: { environment, product: product.length, list: list.length } };
}

/** Makes the answer of the measured product about as long as the one of the research: 500 bytes. */
async function describe(url, token, bytes) {
  const { length } = await (await fetch(url + PRODUCT)).text();
  const { description } = await (await fetch(url + PRODUCT)).json();
  const headers = { 'content-type': 'application/json', authorization: `Bearer ${token}` };
  const body = JSON.stringify({ description: description.padEnd(description.length + bytes - length, 'x') });
  await fetch(url + PRODUCT, { method: 'PATCH', headers, body });
}

/**
 * One contestant of server.mjs in a process of its own.
 *
 * @param options `cwd`: the checkout whose build of Strata it uses; `execArgv`: for the process
 */
export async function startServer(name, constants, { cwd = process.cwd(), execArgv = [] } = {}) {
  const port = await freePort();
  const env = { ...process.env, ...constants };
  // While a process is idle, V8 would throw code away that it has to make again.
  const flags = ['--no-flush-bytecode', ...execArgv];
  const child = fork(join(import.meta.dirname, 'server.mjs'), [name, String(port)], { env, cwd, execArgv: flags });
  const failed = once(child, 'exit').then(() => Promise.reject(new Error(`${name} did not start`)));
  await Promise.race([once(child, 'message'), failed]);
  const stop = async () => {
    child.kill();
    await failed.catch(() => undefined);
  };
  return { name, url: `http://127.0.0.1:${port}`, pid: child.pid, child, stop };
}
