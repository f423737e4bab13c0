/** A result of a method that cannot be kept: it goes to the caller whose method ran, as it is. */
export class ForOneOnly extends Error {
  constructor(
    readonly call: object,
    readonly result: unknown,
  ) {
    super('a result for its own caller only');
  }
}
