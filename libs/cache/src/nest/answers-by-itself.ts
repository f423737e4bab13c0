import type { ExecutionContext } from '@nestjs/common';
import { declarationsOf, type Handler } from './declarations';
import { NEST } from './metadata';

/** `RouteParamtypes.RESPONSE` and `.NEXT`. */
const WHOLE_RESPONSE = /^[12]:/;

type How = 'sse' | 'redirect' | 'render' | 'response';

const known = new WeakMap<object, How | 'no'>();

/** How a handler answers around what it returns, so that no interceptor sees its answer; `undefined` mostly. */
export function answersByItself(context: ExecutionContext): How | undefined {
  const handler = context.getHandler();
  let how = known.get(handler);
  if (how === undefined) known.set(handler, (how = wayOf(context.getClass(), handler)));
  return how === 'no' ? undefined : how;
}

/** The same, or `no`, of a handler that nobody has called yet. */
export function wayOf(controller: object, handler: Handler): How | 'no' {
  const property = declarationsOf(handler)?.property ?? handler.name;
  if (Reflect.getMetadata(NEST.sse, handler) !== undefined) return 'sse';
  if (Reflect.getMetadata(NEST.redirect, handler) !== undefined) return 'redirect';
  if (Reflect.getMetadata(NEST.render, handler) !== undefined) return 'render';
  if (Reflect.getMetadata(NEST.passthrough, controller, property) === true) return 'no';
  const routeArguments = (Reflect.getMetadata(NEST.routeArguments, controller, property) ?? {}) as object;
  return Object.keys(routeArguments).some((name) => WHOLE_RESPONSE.test(name)) ? 'response' : 'no';
}
