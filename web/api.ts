import type { z } from 'zod';

import type { Json } from '#actors/json.ts';
import type { node } from '#http/schemas/cluster.ts';
import type {
  definition,
  definitionList,
  definitionWithVersions,
  step,
} from '#http/schemas/definitions.ts';
import type { eventPage } from '#http/schemas/events.ts';
import type { task } from '#http/schemas/tasks.ts';
import type { startBody, started, workflow, workflowList } from '#http/schemas/workflows.ts';

import { t } from './i18n/text.ts';
import type { Who } from './who.ts';

/* The REST calls of the console; the types of their answers are those of the door's own schemas. */

export type WholeWorkflow = z.output<typeof workflow>;

export type WholeTask = z.output<typeof task>;

export type ListedStep = z.output<typeof step>;

export type ListedDefinition = z.output<typeof definition>;

export type WholeDefinition = z.output<typeof definitionWithVersions>;

export type StartBody = z.input<typeof startBody>;

export const api = {
  workflows: (query: string, signal?: AbortSignal) =>
    call<z.output<typeof workflowList>>('GET', `/workflows?${query}`, { signal }),
  workflow: (id: string, signal?: AbortSignal) =>
    call<WholeWorkflow>('GET', `/workflows/${encodeURIComponent(id)}`, { signal }),
  task: (id: string, signal: AbortSignal) =>
    call<WholeTask>('GET', `/tasks/${encodeURIComponent(id)}`, { signal }),
  whoami: () => send<Who>('GET', '/whoami'),
  signIn: (key: string) => send<Who>('POST', '/session', { body: { key } }),
  signOut: () => send<{ message: string }>('DELETE', '/session'),
  /** Under the same key it is the same signal, however often it is sent. */
  signal: (id: string, name: string, payload: Json, key: string) =>
    call<{ message: string }>(
      'POST',
      `/workflows/${encodeURIComponent(id)}/signals/${encodeURIComponent(name)}`,
      { body: { payload }, headers: { 'Idempotency-Key': key } },
    ),
  definitions: (signal?: AbortSignal) =>
    call<z.output<typeof definitionList>>('GET', '/definitions', { signal }),
  definition: (name: string, version?: string, signal?: AbortSignal) => {
    const query = version === undefined ? '' : `?${new URLSearchParams({ version }).toString()}`;
    return call<WholeDefinition>('GET', `/definitions/${encodeURIComponent(name)}${query}`, {
      signal,
    });
  },
  /** Hands the shards of a node over, or lets it take part again. */
  drain: (name: string, on: boolean) =>
    call<z.output<typeof node>>(
      'POST',
      `/cluster/nodes/${encodeURIComponent(name)}/${on ? 'drain' : 'undrain'}`,
      { body: {} },
    ),
  /** In development mode alone: the process of that node is gone. */
  kill: (name: string) => call<{ message: string }>('POST', '/dev/kill', { body: { node: name } }),
  start: (body: StartBody) => call<z.output<typeof started>>('POST', '/workflows', { body }),
  events: (id: string, after: number, limit: number, signal: AbortSignal) =>
    call<z.output<typeof eventPage>>(
      'GET',
      `/workflows/${encodeURIComponent(id)}/events?after=${after}&limit=${limit}`,
      { signal },
    ),
  cancel: (id: string, reason = '') =>
    call<{ message: string }>('POST', `/workflows/${encodeURIComponent(id)}/cancel`, {
      body: reason === '' ? {} : { reason },
    }),
  retry: (id: string) =>
    call<{ message: string }>('POST', `/workflows/${encodeURIComponent(id)}/retry`, { body: {} }),
};

/** What is wrong with one field: a JSON pointer into the body, or `?name` of a query parameter. */
export interface FieldProblem {
  readonly pointer: string;
  readonly detail: string;
}

/** The server said no; the message is the server's own, in English. */
export class ApiError extends Error {
  override readonly name = 'ApiError';
  readonly status: number;
  /** Stable; empty when it was not the door that answered. */
  readonly code: string;
  readonly fields: readonly FieldProblem[];

  constructor(status: number, code: string, message: string, fields: readonly FieldProblem[]) {
    super(message);
    this.status = status;
    this.code = code;
    this.fields = fields;
  }
}

let signIn: (() => Promise<void>) | null = null;

/** What resolves when somebody has signed in. A call that the server refused for want of it is made again then. */
export function signInWith(ask: () => Promise<void>): void {
  signIn = ask;
}

interface CallOptions {
  readonly body?: unknown;
  readonly headers?: Readonly<Record<string, string>>;
  readonly signal?: AbortSignal | undefined;
}

async function call<Answer>(
  method: string,
  path: string,
  options: CallOptions = {},
): Promise<Answer> {
  try {
    return await send<Answer>(method, path, options);
  } catch (error) {
    if (signIn === null || !(error instanceof ApiError && error.status === 401)) throw error;
    await signIn();
    return await send<Answer>(method, path, options);
  }
}

async function send<Answer>(
  method: string,
  path: string,
  options: CallOptions = {},
): Promise<Answer> {
  const response = await fetch(`/api/v1${path}`, {
    method,
    headers: {
      ...(options.body === undefined ? {} : { 'Content-Type': 'application/json' }),
      ...options.headers,
    },
    ...(options.body === undefined ? {} : { body: JSON.stringify(options.body) }),
    ...(options.signal === undefined ? {} : { signal: options.signal }),
  });
  if (!response.ok) throw await problemOf(response);
  // The page and the door that serves it are of one build, so the answer is what the door's own tests say it is.
  const answer: Answer = JSON.parse(await response.text());
  return answer;
}

async function problemOf(response: Response): Promise<ApiError> {
  const { status } = response;
  try {
    const problem: unknown = JSON.parse(await response.text());
    if (isObject(problem)) {
      const { code, message, errors } = problem;
      const fields = Array.isArray(errors) ? errors.filter(isFieldProblem) : [];
      if (typeof message === 'string') return new ApiError(status, String(code), message, fields);
    }
  } catch {
    // Not JSON, so a proxy and not the door has answered: the status says all there is.
  }
  return new ApiError(status, '', t('error.status', { status }), []);
}

function isFieldProblem(value: unknown): value is FieldProblem {
  return (
    isObject(value) && typeof value['pointer'] === 'string' && typeof value['detail'] === 'string'
  );
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null;
}
