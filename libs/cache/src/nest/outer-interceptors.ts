import type { ApplicationConfig } from '@nestjs/core';
import type { Class, Handler } from './declarations';
import { NEST } from './metadata';

/**
 * The interceptors that run around `inner` on a route: those of the application, of the class, and of the method where
 * they are written below it. What `inner` answers with is what they are given.
 */
export function interceptorsAround(
  inner: unknown,
  config: ApplicationConfig,
  owner: Class,
  handler: Handler,
): readonly Class[] {
  const ofMethod = given(handler);
  const around = [
    ...config.getGlobalInterceptors(),
    ...config.getGlobalRequestInterceptors().map(({ metatype }) => metatype),
    ...given(owner),
    ...ofMethod.slice(0, ofMethod.indexOf(inner)),
  ];
  return around.map((one) => (typeof one === 'function' ? one : (one as object).constructor) as Class);
}

function given(place: Class | Handler): readonly unknown[] {
  return (Reflect.getMetadata(NEST.interceptors, place) ?? []) as unknown[];
}
