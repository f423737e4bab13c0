import { ForbiddenException, HttpException, NotFoundException } from '@nestjs/common';
import { EncodedForms } from '../http/encoded-forms';
import { errorOf, representError } from './kept-error';

const again = (error: HttpException): HttpException => errorOf(representError(error));

describe('an error that is kept', () => {
  class NoProduct extends NotFoundException {
    constructor() {
      super({ code: 'NO_PRODUCT' });
      this.message = 'product 5 is missing';
    }
  }

  it.each<[string, HttpException, new (...given: never[]) => HttpException, unknown, string]>([
    [
      'of Nest',
      new ForbiddenException('no'),
      ForbiddenException,
      { message: 'no', error: 'Forbidden', statusCode: 403 },
      'no',
    ],
    ['of its own class', new NoProduct(), NotFoundException, { code: 'NO_PRODUCT' }, 'product 5 is missing'],
    ['with a text', new HttpException('gone', 410), HttpException, 'gone', 'gone'],
    ['with a list', new HttpException(['a', 'b'] as never, 404), HttpException, ['a', 'b'], 'Http Exception'],
    ['without a class', new HttpException({ tea: true }, 418), HttpException, { tea: true }, 'Http Exception'],
    ['that has no JSON', new NotFoundException({ id: 5n, message: 'five' }), NotFoundException, 'five', 'five'],
  ])('%s says what it said', (_what, error, type, response, message) => {
    const kept = again(error);
    expect([kept.constructor, kept.name]).toEqual([type, type.name]);
    expect([kept.getStatus(), kept.getResponse(), kept.message]).toEqual([error.getStatus(), response, message]);
  });

  it('of the version before is its message', () => {
    const kept = errorOf({ status: 404, headers: {}, body: Buffer.from('bare text'), forms: new EncodedForms() });
    expect([kept.getStatus(), kept.message]).toEqual([404, 'bare text']);
  });
});
