import type { IncomingMessage } from 'node:http';
import type { AbstractHttpAdapter } from '@nestjs/core';
import type { Framework, Hook } from './framework';
import { adapterObjection, busyField } from './hidden';

/** Layers that Nest puts before its routes; they do nothing to a request without a body. */
const PARSERS = new Set(['jsonParser', 'urlencodedParser']);

const POWERED = { 'X-Powered-By': 'Express' } as const;
const NONE: Readonly<Record<string, string>> = {};

interface Layer {
  readonly name: string;
  readonly handle: Hook;
  readonly route?: object;
  match(path: string): boolean;
}

interface Application {
  readonly router: { readonly stack: readonly Layer[]; readonly params: object };
  enabled(setting: string): boolean;
}

interface Request extends IncomingMessage {
  readonly route: { readonly path: unknown };
  readonly path: string;
  readonly baseUrl: string;
  readonly url: string;
  readonly originalUrl: string;
}

/** Express below Nest: what stands before the route in its stack has run. */
export function expressUnderneath(
  adapter: AbstractHttpAdapter,
  pristine: () => AbstractHttpAdapter,
  standsFor: readonly Hook[],
): Framework {
  const app = adapter.getInstance<Application>();
  const own = new Set(
    pristine()
      .getInstance<Application>()
      .router.stack.map(({ handle }) => String(handle)),
  );
  const isKnown = ({ name, handle }: Layer): boolean =>
    standsFor.includes(handle) || own.has(String(handle)) || PARSERS.has(name);
  return {
    objectionToAll: () =>
      Object.keys(app.router.params).length === 0 ? undefined : 'parameters of routes have handlers (app.param)',
    objectionTo: (original) => {
      const ofAdapter = adapterObjection(adapter);
      if (ofAdapter !== undefined) return ofAdapter;
      const { route, path, baseUrl, url, originalUrl } = original as Request;
      if (baseUrl !== '') return 'its route is mounted';
      if (url !== originalUrl) return 'its URL has been rewritten';
      for (const layer of app.router.stack) {
        if (layer.route === route) return undefined;
        const isPassed = layer.route === undefined ? !isKnown(layer) : layer.match(path);
        if (isPassed) return `there is middleware (${layer.name}) that the lane does not stand for`;
      }
      return 'its route cannot be found';
    },
    hasChanged: () => busyField(adapter) !== undefined,
    messageOf: (original) => original as Request,
    routeOf: (original) => String((original as Request).route.path),
    ownHeaders: () => (app.enabled('x-powered-by') ? POWERED : NONE),
    addTail: (headers, body) => {
      if (body !== undefined) headers.set('Content-Length', String(body.length));
    },
  };
}
