/**
 * What a framework keeps under a symbol of its own. Looked for by the symbol's description, along the prototypes;
 * `undefined` when it is not there: whoever asks takes that for the worse case.
 */
export function hidden(owner: object, description: string): unknown {
  const symbol = hiddenName(owner, description);
  return symbol === undefined ? undefined : (owner as Record<symbol, unknown>)[symbol];
}

/** The symbol itself, for who looks often. */
export function hiddenName(owner: object, description: string): symbol | undefined {
  for (let place: object | null = owner; place !== null; place = Object.getPrototypeOf(place) as object | null) {
    const symbol = Object.getOwnPropertySymbols(place).find((one) => one.description === description);
    if (symbol !== undefined) return symbol;
  }
  return undefined;
}

/** Hooks that can be set on an adapter of Nest for all requests, by the names of its fields. */
const ADAPTER_HOOKS = ['onRequestHook', 'onResponseHook', 'onRouteTriggered', 'corsHook', 'securityHook'];

/**
 * The field of an adapter that says it has work to do on each request, or may refuse it because it closes. Asked for
 * every request on the lane: a loop, and nothing made.
 */
export function busyField(adapter: object): string | undefined {
  const fields = adapter as Record<string, unknown>;
  for (let i = 0; i < ADAPTER_HOOKS.length; i++) if (fields[ADAPTER_HOOKS[i]!] != null) return ADAPTER_HOOKS[i];
  return fields['isShuttingDown'] === true ? 'isShuttingDown' : undefined;
}

/** Why an adapter has work to do on each request; `undefined` when it has none. */
export function adapterObjection(adapter: object): string | undefined {
  const field = busyField(adapter);
  return field === undefined ? undefined : `the adapter has something to do for each request (${field})`;
}
