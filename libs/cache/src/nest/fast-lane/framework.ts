import type { IncomingMessage } from 'node:http';
import { AbstractHttpAdapter } from '@nestjs/core';
import type { FrameworkHead } from '../prepared-answers';
import { expressUnderneath } from './express';
import { fastifyUnderneath } from './fastify';

/** A hook of Fastify, or a middleware of Express: compared, never called. */
export type Hook = (...args: never[]) => unknown;

/** What the lane has to know of the framework below Nest. */
export interface Framework extends FrameworkHead {
  /** Why no request may be answered before the framework has seen it; asked when the application has started. */
  objectionToAll(): string | undefined;
  /** Why not this one: what else than Nest's pipeline it has run through. */
  objectionTo(original: object): string | undefined;
  /** True once there is something to do before each request that there was not when the application started. */
  hasChanged(): boolean;
  messageOf(original: object): IncomingMessage;
  /** Template of the route that was chosen. */
  routeOf(original: object): string;
}

/**
 * `undefined` for a framework that is not known here. An adapter of a class of its own may do anything before a
 * request, and to an answer.
 */
export async function frameworkOf(
  adapter: AbstractHttpAdapter,
  standsFor: readonly Hook[],
): Promise<Framework | undefined> {
  // One that nothing has been done to tells which hooks are the adapter's own.
  const pristine = (): AbstractHttpAdapter => new (adapter.constructor as new () => AbstractHttpAdapter)();
  if (Object.getPrototypeOf(adapter.constructor) !== AbstractHttpAdapter) return undefined;
  const type = adapter.getType();
  if (type === 'fastify') return fastifyUnderneath(adapter, pristine, standsFor);
  return type === 'express' ? expressUnderneath(adapter, pristine, standsFor) : undefined;
}
