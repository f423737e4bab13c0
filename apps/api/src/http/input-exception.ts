import { BadRequestException } from '@nestjs/common';
import type { InputError } from './problem';

/** Input that a caller can mend; names each field. */
export class InputException extends BadRequestException {
  constructor(readonly errors: readonly InputError[]) {
    super(errors.map((error) => (error.path === '' ? error.message : `${error.path} ${error.message}`)).join('; '));
  }
}
