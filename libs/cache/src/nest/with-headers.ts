/**
 * A handler's result together with response headers that belong to it. A `@Cacheable` handler should
 * return its headers this way: they are kept with the answer and sent on every hit. Headers set on the
 * response object itself are kept too, but a background refresh runs when that response has been sent.
 */
export class WithHeaders<T> {
  constructor(
    readonly value: T,
    readonly headers: Readonly<Record<string, string>>,
  ) {}
}

/** Short form of `new WithHeaders(value, headers)`. */
export function withHeaders<T>(value: T, headers: Readonly<Record<string, string>>): WithHeaders<T> {
  return new WithHeaders(value, headers);
}

/** The plain value of a result that may be {@link WithHeaders}, whose headers go to `response`. */
export function unwrapped(
  result: unknown,
  response: { setAll(headers: Readonly<Record<string, string>>): void },
): unknown {
  if (!(result instanceof WithHeaders)) return result;
  response.setAll(
    Object.fromEntries(Object.entries(result.headers).map(([name, value]) => [name.toLowerCase(), value])),
  );
  return result.value as unknown;
}
