import {
  BadRequestException,
  ConflictException,
  ForbiddenException,
  GoneException,
  HttpException,
  MethodNotAllowedException,
  NotFoundException,
  UnprocessableEntityException,
} from '@nestjs/common';
import { EncodedForms } from '../http/encoded-forms';
import type { Representation } from '../http/representation';

const JSON_TYPE = 'application/json';

/** The classes of Nest that filters are declared for. */
const CLASSES: Readonly<Record<number, (new () => HttpException) & { readonly prototype: HttpException }>> = {
  400: BadRequestException,
  403: ForbiddenException,
  404: NotFoundException,
  405: MethodNotAllowedException,
  409: ConflictException,
  410: GoneException,
  422: UnprocessableEntityException,
};

interface Kept {
  readonly message: string;
  /** It was of Nest's class for its status, or of one below it. */
  readonly isOfClass: boolean;
  /** What the exception answers with; absent where that has no JSON. */
  readonly response?: string | object;
}

/** What is kept of an error: its status, its message and what it answers with; no stack and no class of its own. */
export function representError(error: HttpException): Representation {
  const body = Buffer.from(textOf(error), 'utf8');
  return { status: error.getStatus(), headers: { 'content-type': JSON_TYPE }, body, forms: new EncodedForms() };
}

function textOf(error: HttpException): string {
  const { message } = error;
  const ofStatus = CLASSES[error.getStatus()];
  const isOfClass = ofStatus !== undefined && error instanceof ofStatus;
  try {
    return JSON.stringify({ message, isOfClass, response: error.getResponse() } satisfies Kept);
  } catch {
    return JSON.stringify({ message, isOfClass } satisfies Kept);
  }
}

/** An error of Nest's own class for that status, with the words of the first one. */
export function errorOf({ status, headers, body }: Representation): HttpException {
  const text = body.toString('utf8');
  // Of the version before: the message alone.
  if (headers['content-type'] !== JSON_TYPE) return new HttpException(text, status);
  const { message, isOfClass, response = message } = JSON.parse(text) as Kept;
  const error = new HttpException(response, status);
  error.message = message;
  const ofStatus = isOfClass ? CLASSES[status] : undefined;
  if (ofStatus === undefined) return error;
  // Not by its constructor, which would make another answer of a text or a list.
  Object.setPrototypeOf(error, ofStatus.prototype);
  error.name = ofStatus.name;
  return error;
}
