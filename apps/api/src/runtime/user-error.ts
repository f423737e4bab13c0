/** A failure that the person at the keyboard can mend: its message says how, and needs no stack trace. */
export class UserError extends Error {
  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'UserError';
  }
}
