import { STATUS_CODES } from 'node:http';

/** One thing wrong with the input. */
export interface InputError {
  readonly path: string;
  readonly message: string;
}

/** Error answer (RFC 9457). */
export interface Problem {
  readonly type: string;
  readonly title: string;
  readonly status: number;
  readonly detail: string;
  /** Path of the request; none where there was no request yet. */
  readonly instance?: string;
  readonly correlationId: string;
  readonly errors?: readonly InputError[];
}

/** What a {@link Problem} is built from. */
export interface ProblemFacts {
  readonly status: number;
  readonly detail: string;
  readonly instance?: string;
  readonly correlationId: string;
  readonly type?: string | undefined;
  readonly title?: string | undefined;
  readonly errors?: readonly InputError[] | undefined;
}

export const PROBLEM_TYPE = 'application/problem+json';
export const VALIDATION_PROBLEM = 'urn:strata:problem:validation';
export const UNDELIVERED_PROBLEM = 'urn:strata:problem:invalidation-undelivered';

/** Builds a problem document; without a type of its own the title is that of the status (section 4.2.1). */
export function problem(facts: ProblemFacts): Problem {
  const { status, detail, instance, correlationId, errors } = facts;
  return {
    type: facts.type ?? 'about:blank',
    title: facts.title ?? STATUS_CODES[status] ?? 'Error',
    status,
    detail,
    ...(instance === undefined ? {} : { instance }),
    correlationId,
    ...(errors === undefined ? {} : { errors }),
  };
}
