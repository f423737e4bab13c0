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
  const around: readonly unknown[] = [
    ...config.getGlobalInterceptors(),
    ...config.getGlobalRequestInterceptors().map(({ metatype, isAlias, inject }) => (isAlias ? inject?.[0] : metatype)),
    ...given(owner),
    ...ofMethod.slice(0, ofMethod.indexOf(inner)),
  ];
  // A factory may give nothing, which Nest passes over.
  return around.filter((one) => one !== undefined && one !== null);
}

/** The class of an interceptor that is given as one, or as an instance of one. */
export const classOf = (interceptor: unknown): { readonly name: string } =>
  typeof interceptor === 'function' ? interceptor : (interceptor as object).constructor;

function given(place: Class | Handler): readonly unknown[] {
  return (Reflect.getMetadata(NEST.interceptors, place) ?? []) as unknown[];
}
