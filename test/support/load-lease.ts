/** The load lease in front of the version of a key's tag, as `drivers/redis/scripts/` writes it; ended where there is none. */
export function leaseIn(text: string | null): { readonly token: string; readonly heldUntil: number } {
  return { token: text?.slice(0, 36) ?? '', heldUntil: Number(text?.slice(37, 50) ?? 0) };
}
