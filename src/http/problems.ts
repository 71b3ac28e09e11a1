import type { Response } from 'express';

import { ClusterError, type ClusterErrorCode } from '#cluster/api.ts';

/** What is wrong with a request, as the door answers it. */
export interface Problem {
  readonly status: number;
  /** Stable, for programs. */
  readonly code: ProblemCode;
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
  /** JSON pointer into the body; `?name` of a query parameter, `{name}` of a part of the path, `name:` of a header. */
  readonly pointer: string;
  readonly detail: string;
}

export type ProblemCode = keyof typeof table;

type Row = Pick<Problem, 'status' | 'title'> & { readonly retryAfterMs?: number };

/** The one place where a code gets its HTTP status: those of the cluster, and those that only the door can find. */
const table = {
  INVALID_INPUT: { status: 400, title: 'The input is not valid' },
  UNAUTHENTICATED: { status: 401, title: 'Unauthenticated' },
  FORBIDDEN: { status: 403, title: 'Forbidden' },
  FOREIGN_ORIGIN: { status: 403, title: 'Forbidden' },
  NOT_FOUND: { status: 404, title: 'Not found' },
  WORKFLOW_NOT_FOUND: { status: 404, title: 'Not found' },
  TASK_NOT_FOUND: { status: 404, title: 'Not found' },
  ACTOR_NOT_FOUND: { status: 404, title: 'Not found' },
  NODE_NOT_FOUND: { status: 404, title: 'Not found' },
  ROUTE_NOT_FOUND: { status: 404, title: 'Not found' },
  UNKNOWN_SIGNAL: { status: 404, title: 'Unknown signal' },
  UNKNOWN_DEFINITION: { status: 404, title: 'Unknown definition' },
  METHOD_NOT_ALLOWED: { status: 405, title: 'Method not allowed' },
  ALREADY_EXISTS: { status: 409, title: 'Already exists' },
  ALREADY_CLOSED: { status: 409, title: 'Already ended' },
  LAST_NODE: { status: 409, title: 'The last node' },
  NOT_FAILED: { status: 409, title: 'Not failed' },
  SIGNAL_NOT_AWAITED: { status: 409, title: 'The signal is not awaited' },
  ALREADY_APPLIED: { status: 409, title: 'Already applied' },
  ACTOR_QUARANTINED: { status: 409, title: 'The actor is quarantined' },
  WORKFLOW_FAILED: { status: 409, title: 'The workflow failed' },
  WORKFLOW_CANCELED: { status: 409, title: 'The workflow was canceled' },
  TOO_LARGE: { status: 413, title: 'Too large' },
  UNSUPPORTED_MEDIA_TYPE: { status: 415, title: 'Unsupported media type' },
  NOT_LOOPBACK: { status: 421, title: 'Misdirected request' },
  IDEMPOTENCY_MISMATCH: { status: 422, title: 'Another request under the same key' },
  ACTOR_FAILED: { status: 422, title: 'The actor refused the message' },
  ACTOR_MAILBOX_FULL: { status: 429, title: 'The mailbox is full', retryAfterMs: 1000 },
  RATE_LIMITED: { status: 429, title: 'Too many requests', retryAfterMs: 1000 },
  INTERNAL: { status: 500, title: 'Internal error' },
  OVERLOADED: { status: 503, title: 'Overloaded', retryAfterMs: 1000 },
  DRAINING: { status: 503, title: 'This node is going down', retryAfterMs: 1000 },
  UNAVAILABLE: { status: 503, title: 'Unavailable', retryAfterMs: 1000 },
  TIMEOUT: { status: 503, title: 'No answer in time', retryAfterMs: 1000 },
} satisfies Record<ClusterErrorCode, Row> & Record<string, Row>;

export const problemCodes: readonly ProblemCode[] = Object.keys(table).filter(isProblemCode);

/** Thrown by the door for what only it can find wrong. */
export class ProblemError extends Error {
  override readonly name = 'ProblemError';
  readonly problem: Problem;

  constructor(
    code: ProblemCode,
    detail: string,
    besides: Pick<Problem, 'errors' | 'more' | 'headers' | 'retryAfterMs'> = {},
  ) {
    super(detail);
    this.problem = problemFor(code, detail, besides);
  }
}

/** What a path names, so that "not found" can say what was not found. */
export interface Resource {
  readonly kind: 'workflow' | 'task' | 'actor' | 'node';
  readonly id: string;
}

/** Anything thrown while a request was answered -> what to answer. */
export function problemOf(thrown: unknown): Problem {
  if (thrown instanceof ProblemError) return thrown.problem;
  if (thrown instanceof ClusterError) return clusterProblem(thrown);
  return expressProblem(thrown) ?? internalProblem;
}

export function invalid(errors: readonly FieldProblem[]): ProblemError {
  const detail = errors
    .map(({ pointer, detail: what }) => {
      if (pointer === '') return what;
      // That of a header has its colon.
      return pointer.endsWith(':') ? `${pointer} ${what}` : `${pointer}: ${what}`;
    })
    .join('; ');
  return new ProblemError('INVALID_INPUT', detail, { errors });
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
  return new ProblemError('UNAUTHENTICATED', detail, {
    headers: { 'WWW-Authenticate': `Bearer realm="temjob"${challenge}` },
  });
}

/** It is known who asks, and that one may not do this. */
export function forbidden(
  who: { readonly name: string; readonly scopes: readonly string[] },
  scope: string,
): ProblemError {
  return new ProblemError(
    'FORBIDDEN',
    `This needs the scope "${scope}"; the key ${JSON.stringify(who.name)} has ${who.scopes.join(', ')}.`,
    {
      more: { required_scope: scope },
      headers: {
        'WWW-Authenticate': `Bearer realm="temjob", error="insufficient_scope", scope="${scope}"`,
      },
    },
  );
}

export function notFound({ kind, id }: Resource): ProblemError {
  const codes = {
    workflow: 'WORKFLOW_NOT_FOUND',
    task: 'TASK_NOT_FOUND',
    actor: 'ACTOR_NOT_FOUND',
    node: 'NODE_NOT_FOUND',
  } as const;
  return new ProblemError(codes[kind], `${kind} not found: ${id}`);
}

function isProblemCode(code: string): code is ProblemCode {
  return Object.hasOwn(table, code);
}

/** The status and the title of a code. */
export function meaningOf(code: ProblemCode): Row {
  return table[code];
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

function problemFor(
  code: ProblemCode,
  detail: string,
  besides: Pick<Problem, 'errors' | 'more' | 'headers' | 'retryAfterMs'> = {},
): Problem {
  return { ...meaningOf(code), code, detail, ...besides };
}

function clusterProblem(error: ClusterError): Problem {
  // The text of an internal error is for the log.
  if (error.code === 'INTERNAL') return internalProblem;
  return problemFor(error.code, error.message, {
    ...(error.problems.length === 0 ? {} : { errors: error.problems }),
    ...(error.retryAfterMs === null ? {} : { retryAfterMs: error.retryAfterMs }),
    ...(error.failure === null ? {} : { more: { failure: error.failure } }),
  });
}

const internalProblem = problemFor(
  'INTERNAL',
  'Something went wrong on the server; its log has the request id.',
);

export const sendJson = 'Send the body as JSON with "Content-Type: application/json".';

// What express and body-parser throw: `type` says what it is about, and the text is safe to show.
function expressProblem(thrown: unknown): Problem | null {
  if (!(thrown instanceof Error) || !('type' in thrown)) {
    return badPath(thrown) ?? badEncoding(thrown);
  }
  switch (thrown.type) {
    case 'entity.too.large':
      return problemFor('TOO_LARGE', `The body is over the limit${limitIn(thrown)}.`);
    case 'entity.parse.failed':
      return invalid([{ pointer: '', detail: `the body is not JSON: ${thrown.message}` }]).problem;
    case 'encoding.unsupported':
    case 'charset.unsupported':
      return problemFor('UNSUPPORTED_MEDIA_TYPE', thrown.message);
    case 'request.aborted':
    case 'request.size.invalid':
      return invalid([{ pointer: '', detail: thrown.message }]).problem;
    default:
      return badPath(thrown);
  }
}

function limitIn(thrown: Error): string {
  if (!('limit' in thrown) || typeof thrown.limit !== 'number') return '';
  const kib = Math.floor(thrown.limit / 1024);
  return kib < 1024 ? ` of ${kib} KiB` : ` of ${Math.floor(kib / 1024)} MiB`;
}

function badPath(thrown: unknown): Problem | null {
  return thrown instanceof URIError
    ? invalid([{ pointer: '', detail: 'the path is not properly percent-encoded' }]).problem
    : null;
}

/** What zlib throws has no type; body-parser says by the status whose mistake it is. */
function badEncoding(thrown: unknown): Problem | null {
  if (!(thrown instanceof Error) || !('status' in thrown) || thrown.status !== 400) return null;
  const detail = `the body is not what its Content-Encoding says: ${thrown.message}`;
  return invalid([{ pointer: '', detail }]).problem;
}
