import type { Response } from 'express';

import { ClusterError, type ClusterErrorCode } from '#cluster/api.ts';

/** What is wrong with a request, as the door answers it. */
export interface Problem {
  readonly status: number;
  /** Stable, for programs. */
  readonly code: string;
  readonly title: string;
  /** For people; says what, and where it can what to do. */
  readonly detail: string;
  readonly errors?: readonly FieldProblem[];
  readonly retryAfterMs?: number;
  /** What is known besides, e.g. the failure of a workflow. */
  readonly more?: Readonly<Record<string, unknown>>;
  readonly headers?: Readonly<Record<string, string>>;
}

export interface FieldProblem {
  /** JSON pointer into the body, or `?name` of a query parameter. */
  readonly pointer: string;
  readonly detail: string;
}

type Row = Pick<Problem, 'status' | 'title'> & { readonly retryAfterMs?: number };

/** The one place where an error of the cluster gets its HTTP status. */
const table = {
  INVALID_INPUT: { status: 400, title: 'The input is not valid' },
  NOT_FOUND: { status: 404, title: 'Not found' },
  UNKNOWN_DEFINITION: { status: 404, title: 'Unknown definition' },
  ALREADY_EXISTS: { status: 409, title: 'Already exists' },
  ALREADY_CLOSED: { status: 409, title: 'Already ended' },
  NOT_FAILED: { status: 409, title: 'Not failed' },
  ALREADY_APPLIED: { status: 409, title: 'Already applied' },
  ACTOR_QUARANTINED: { status: 409, title: 'The actor is quarantined' },
  TOO_LARGE: { status: 413, title: 'Too large' },
  ACTOR_FAILED: { status: 422, title: 'The actor refused the message' },
  ACTOR_MAILBOX_FULL: { status: 429, title: 'The mailbox is full', retryAfterMs: 1000 },
  OVERLOADED: { status: 503, title: 'Overloaded', retryAfterMs: 1000 },
  DRAINING: { status: 503, title: 'This node is going down', retryAfterMs: 1000 },
  UNAVAILABLE: { status: 503, title: 'Unavailable', retryAfterMs: 1000 },
  TIMEOUT: { status: 503, title: 'No answer in time', retryAfterMs: 1000 },
  INTERNAL: { status: 500, title: 'Internal error' },
} satisfies Record<ClusterErrorCode, Row>;

/** Thrown by routes for what only the door can find wrong. */
export class ProblemError extends Error {
  override readonly name = 'ProblemError';
  readonly problem: Problem;

  constructor(problem: Problem, options?: ErrorOptions) {
    super(problem.detail, options);
    this.problem = problem;
  }
}

/** What a path names, so that "not found" can say what was not found. */
export interface Resource {
  readonly kind: 'workflow' | 'task' | 'definition' | 'actor';
  readonly id: string;
}

/** Anything thrown while a request was answered -> what to answer. */
export function problemOf(thrown: unknown, resource?: Resource): Problem {
  if (thrown instanceof ProblemError) return thrown.problem;
  if (thrown instanceof ClusterError) return clusterProblem(thrown, resource);
  return expressProblem(thrown) ?? internalProblem;
}

export function invalid(errors: readonly FieldProblem[]): ProblemError {
  const detail = errors
    .map((error) => (error.pointer === '' ? error.detail : `${error.pointer}: ${error.detail}`))
    .join('; ');
  return new ProblemError({ ...table.INVALID_INPUT, code: 'INVALID_INPUT', detail, errors });
}

export function notFound(resource: Resource): ProblemError {
  return new ProblemError(notFoundProblem(resource));
}

/** Answers with `application/problem+json`; `error`, `code` and `message` are what clients of the seed read. */
export function sendProblem(response: Response, problem: Problem): void {
  if (problem.retryAfterMs !== undefined) {
    response.setHeader('Retry-After', String(Math.max(1, Math.ceil(problem.retryAfterMs / 1000))));
  }
  for (const [name, value] of Object.entries(problem.headers ?? {})) {
    response.setHeader(name, value);
  }
  const requestId = response.getHeader('X-Request-Id');
  response
    .status(problem.status)
    .type('application/problem+json')
    .send(
      JSON.stringify({
        type: `https://temjob.dev/problems/${problem.code.toLowerCase().replaceAll('_', '-')}`,
        title: problem.title,
        status: problem.status,
        detail: problem.detail,
        instance: response.req.originalUrl,
        code: problem.code,
        error: problem.detail,
        message: problem.detail,
        ...(typeof requestId === 'string' ? { request_id: requestId } : {}),
        ...(problem.errors === undefined ? {} : { errors: problem.errors }),
        ...problem.more,
      }),
    );
}

function clusterProblem(error: ClusterError, resource?: Resource): Problem {
  if (error.code === 'NOT_FOUND' && resource !== undefined) return notFoundProblem(resource);
  // The text of an internal error is for the log.
  if (error.code === 'INTERNAL') return internalProblem;
  const row: Row = table[error.code];
  const retryAfterMs = error.retryAfterMs ?? row.retryAfterMs;
  return {
    status: row.status,
    title: row.title,
    code: error.code,
    detail: error.message,
    ...(error.problems.length === 0 ? {} : { errors: error.problems }),
    ...(retryAfterMs === undefined ? {} : { retryAfterMs }),
    ...(error.failure === null ? {} : { more: { failure: error.failure } }),
  };
}

function notFoundProblem({ kind, id }: Resource): Problem {
  return {
    ...table.NOT_FOUND,
    code: `${kind.toUpperCase()}_NOT_FOUND`,
    detail: `${kind} not found: ${id}`,
  };
}

const internalProblem: Problem = {
  ...table.INTERNAL,
  code: 'INTERNAL',
  detail: 'Something went wrong on the server; its log has the request id.',
};

// What express and body-parser throw: `type` says what it is about, and the text is safe to show.
function expressProblem(thrown: unknown): Problem | null {
  if (!(thrown instanceof Error) || !('type' in thrown)) return badPath(thrown);
  switch (thrown.type) {
    case 'entity.too.large':
      return {
        ...table.TOO_LARGE,
        code: 'TOO_LARGE',
        detail: 'The body is over the limit of 2 MiB.',
      };
    case 'entity.parse.failed':
      return invalid([{ pointer: '', detail: `the body is not JSON: ${thrown.message}` }]).problem;
    case 'encoding.unsupported':
    case 'charset.unsupported':
      return { ...unsupportedMedia, detail: thrown.message };
    case 'request.aborted':
    case 'request.size.invalid':
      return invalid([{ pointer: '', detail: thrown.message }]).problem;
    default:
      return badPath(thrown);
  }
}

/** Nobody knows who asks. */
export function unauthenticated(why: 'no key' | 'unknown key' | 'session ended'): ProblemError {
  const detail = {
    'no key': 'Send an API key, as "Authorization: Bearer …" or "X-API-Key: …", or sign in first.',
    'unknown key': 'This API key is none of those that are configured here.',
    'session ended': 'The session has ended: sign in again.',
  }[why];
  // RFC 6750: a challenge says nothing of an error when nothing was shown.
  const challenge = why === 'no key' ? '' : ', error="invalid_token"';
  return new ProblemError({
    status: 401,
    title: 'Unauthenticated',
    code: 'UNAUTHENTICATED',
    detail,
    headers: { 'WWW-Authenticate': `Bearer realm="temjob"${challenge}` },
  });
}

/** It is known who asks, and that one may not do this. */
export function forbidden(
  who: { readonly name: string; readonly scopes: readonly string[] },
  scope: string,
): ProblemError {
  return new ProblemError({
    status: 403,
    title: 'Forbidden',
    code: 'FORBIDDEN',
    detail: `This needs the scope "${scope}"; the key ${JSON.stringify(who.name)} has ${who.scopes.join(', ')}.`,
    more: { required_scope: scope },
    headers: {
      'WWW-Authenticate': `Bearer realm="temjob", error="insufficient_scope", scope="${scope}"`,
    },
  });
}

export const unsupportedMedia: Problem = {
  status: 415,
  title: 'Unsupported media type',
  code: 'UNSUPPORTED_MEDIA_TYPE',
  detail: 'Send the body as JSON with "Content-Type: application/json".',
};

function badPath(thrown: unknown): Problem | null {
  return thrown instanceof URIError
    ? invalid([{ pointer: '', detail: 'the path is not properly percent-encoded' }]).problem
    : null;
}
