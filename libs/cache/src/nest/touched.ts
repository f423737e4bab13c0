/**
 * A handler's result together with tags that only the handler could know, such as the category a
 * product had before. `@CacheEvict` invalidates them too and answers with the plain value.
 */
export class Touched<T> {
  constructor(
    readonly value: T,
    readonly tags: readonly string[],
  ) {}
}

/** Short form of `new Touched(value, tags)`. */
export function touched<T>(value: T, ...tags: string[]): Touched<T> {
  return new Touched(value, tags);
}

/** The plain value of a result that may be {@link Touched}. */
export function untouched(result: unknown): unknown {
  return result instanceof Touched ? (result.value as unknown) : result;
}
