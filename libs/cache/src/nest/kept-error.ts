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

type Made = new (response: object) => HttpException;

/** The classes of Nest that filters are declared for. */
const CLASSES: Readonly<Record<number, Made>> = {
  400: BadRequestException,
  403: ForbiddenException,
  404: NotFoundException,
  405: MethodNotAllowedException,
  409: ConflictException,
  410: GoneException,
  422: UnprocessableEntityException,
};

/** What is kept of an error: its status and what it answers with, no stack and no class of its own. */
export function representError(error: HttpException): Representation {
  const body = Buffer.from(JSON.stringify(error.getResponse()), 'utf8');
  return { status: error.getStatus(), headers: { 'content-type': JSON_TYPE }, body, forms: new EncodedForms() };
}

/** An error of Nest's own class for that status, which filters word as they would have worded the first one. */
export function errorOf({ status, headers, body }: Representation): HttpException {
  const text = body.toString('utf8');
  // Of the version before: the message alone.
  if (headers['content-type'] !== JSON_TYPE) return new HttpException(text, status);
  const response = JSON.parse(text) as string | object;
  const ofStatus = CLASSES[status];
  if (typeof response === 'string' || ofStatus === undefined) return new HttpException(response, status);
  return new ofStatus(response);
}
