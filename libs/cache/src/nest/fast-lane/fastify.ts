import type { IncomingMessage } from 'node:http';
import type { AbstractHttpAdapter } from '@nestjs/core';
import { fastifyHead } from '../prepared-answers';
import type { Framework, Hook } from './framework';
import { adapterObjection, hidden, hiddenName, busyField } from './hidden';

/** Stages of a request that is answered; those for errors and time-outs are not met on the lane. */
const STAGES = [
  'onRequest',
  'preParsing',
  'preValidation',
  'preHandler',
  'preSerialization',
  'onSend',
  'onResponse',
] as const;

type Hooks = Readonly<Record<(typeof STAGES)[number], readonly Hook[] | null>>;

interface Instance {
  readonly log: object;
  ready(): PromiseLike<unknown>;
  close(): PromiseLike<unknown>;
  printRoutes(options: { commonPrefix: boolean }): string;
}

interface Request {
  readonly raw: IncomingMessage;
  readonly server: Instance;
  readonly routeOptions: { readonly url?: string; readonly schema?: unknown };
}

/** Fastify below Nest: its hooks are compared with those that an adapter has by itself. */
export async function fastifyUnderneath(
  adapter: AbstractHttpAdapter,
  pristine: () => AbstractHttpAdapter,
  standsFor: readonly Hook[],
): Promise<Framework> {
  const own = await hooksByItself(pristine().getInstance<Instance>());
  const server = adapter.getInstance<Instance & Record<symbol, unknown>>();
  const hasMiddleware = hiddenName(server, HAS_MIDDLEWARE) ?? Symbol('none');
  const isKnown = (hook: Hook, at: Instance): boolean =>
    standsFor.includes(hook) || own.has(String(hook)) || (hook.name === 'runMiddie' && hasNoMiddleware(at));
  return {
    objectionToAll: () => objectionToInstance(server),
    objectionTo: (original) => {
      // Not known when the application starts: Fastify sets up CORS when it gets ready.
      const ofAdapter = adapterObjection(adapter);
      if (ofAdapter !== undefined) return ofAdapter;
      const { server, routeOptions } = original as Request;
      if (routeOptions.schema !== undefined) return 'its route has a schema, which may refuse requests';
      const [hooks, route] = [hooksOf(server), hidden(original, 'fastify.context') as Hooks | undefined];
      if (hooks === undefined || route === undefined) return 'the hooks of this Fastify cannot be read';
      const odd = STAGES.find((stage) => hooks[stage]!.some((hook) => !isKnown(hook, server)));
      if (odd !== undefined) return `there is a hook (${odd}) that the lane does not stand for`;
      const added = STAGES.find((stage) => (route[stage]?.length ?? 0) !== hooks[stage]!.length);
      return added === undefined ? undefined : `its route has a hook of its own (${added})`;
    },
    hasChanged: () => busyField(adapter) !== undefined || server[hasMiddleware] === true,
    messageOf: (original) => (original as Request).raw,
    routeOf: (original) => (original as Request).routeOptions.url ?? 'unknown',
    ...fastifyHead,
  };
}

/** Texts of the hooks that an adapter adds by itself. Fastify adds what it is given when it gets ready. */
async function hooksByItself(untouched: Instance): Promise<ReadonlySet<string>> {
  await untouched.ready();
  const hooks = Object.values(hooksOf(untouched) ?? {}).flatMap((ofStage) => ofStage ?? []);
  await untouched.close();
  return new Set(hooks.map(String));
}

function hooksOf(server: Instance): Hooks | undefined {
  return hidden(server, 'fastify.hooks') as Hooks | undefined;
}

const HAS_MIDDLEWARE = 'fastify-middie-has-middlewares';

function hasNoMiddleware(server: Instance): boolean {
  return hidden(server, HAS_MIDDLEWARE) === false;
}

function objectionToInstance(instance: Instance): string | undefined {
  const options = hidden(instance, 'fastify.options') as
    { rewriteUrl?: unknown; disableRequestLogging?: unknown; routerOptions?: { rewriteUrl?: unknown } } | undefined;
  if (options === undefined) return 'the options of this Fastify cannot be read';
  if (options.rewriteUrl !== undefined || options.routerOptions?.rewriteUrl !== undefined) return 'URLs are rewritten';
  // Fastify shows what a route asks for besides method and URL as JSON, here alone.
  if (/\) \{"/.test(instance.printRoutes({ commonPrefix: false }))) return 'routes are chosen by more than the URL';
  // The logger that stands for none has no level.
  const logs = 'level' in instance.log && options.disableRequestLogging !== true;
  return logs ? 'Fastify logs each request (see its disableRequestLogging)' : undefined;
}
