/**
 * What a framework keeps under a symbol of its own. Looked for by the symbol's description, along the prototypes;
 * `undefined` when it is not there: whoever asks takes that for the worse case.
 */
export function hidden(owner: object, description: string): unknown {
  for (let place: object | null = owner; place !== null; place = Object.getPrototypeOf(place) as object | null) {
    const symbol = Object.getOwnPropertySymbols(place).find((one) => one.description === description);
    if (symbol !== undefined) return (place as Record<symbol, unknown>)[symbol];
  }
  return undefined;
}

/** Hooks that can be set on an adapter of Nest for all requests, by the names of its fields. */
const ADAPTER_HOOKS = ['onRequestHook', 'onResponseHook', 'corsHook', 'securityHook'];

/** Why an adapter has work to do on each request; `undefined` when it has none. */
export function adapterObjection(adapter: object): string | undefined {
  const set = ADAPTER_HOOKS.find((name) => (adapter as Record<string, unknown>)[name] != null);
  return set === undefined ? undefined : `the adapter has a hook for each request (${set})`;
}
