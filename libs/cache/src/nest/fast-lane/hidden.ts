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

/** True once a hook is set, or the adapter may refuse requests because it closes: for every request on the lane. */
export function isAdapterBusy(adapter: object): boolean {
  const fields = adapter as Record<string, unknown>;
  for (let i = 0; i < ADAPTER_HOOKS.length; i++) if (fields[ADAPTER_HOOKS[i]!] != null) return true;
  return fields['isShuttingDown'] === true;
}

/** Why an adapter has work to do on each request; `undefined` when it has none. */
export function adapterObjection(adapter: object): string | undefined {
  const set = ADAPTER_HOOKS.find((name) => (adapter as Record<string, unknown>)[name] != null);
  return set === undefined ? undefined : `the adapter has a hook for each request (${set})`;
}
