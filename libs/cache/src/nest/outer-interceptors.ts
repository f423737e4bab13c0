import type { ApplicationConfig } from '@nestjs/core';
import type { Class, Handler } from './declarations';
import { NEST } from './metadata';

/**
 * The interceptors, as they are given, that run around `inner` on a route: those of the application, of the class, and of the method where
 * they are written below it. What `inner` answers with is what they are given.
 */
export function interceptorsAround(
  inner: unknown,
  config: ApplicationConfig,
  owner: Class,
  handler: Handler,
): readonly unknown[] {
  const ofMethod = given(handler);
  return [
    ...config.getGlobalInterceptors(),
    ...config.getGlobalRequestInterceptors().map(({ metatype }) => metatype),
    ...given(owner),
    ...ofMethod.slice(0, ofMethod.indexOf(inner)),
  ];
}

/** The class of an interceptor that is given as one, or as an instance of one. */
export const classOf = (interceptor: unknown): { readonly name: string } =>
  typeof interceptor === 'function' ? interceptor : (interceptor as object).constructor;

function given(place: Class | Handler): readonly unknown[] {
  return (Reflect.getMetadata(NEST.interceptors, place) ?? []) as unknown[];
}
