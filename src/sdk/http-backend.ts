import type { Json } from '#actors/json.ts';
import type { WorkflowStatus } from '#actors/workflow-state.ts';
import type { TaskView, WorkflowView } from '#actors/workflow-view.ts';
import type {
  ActorCall,
  ClusterErrorCode,
  ListFilter,
  SignalRequest,
  Started,
  StartRequest,
  WorkflowPage,
} from '#cluster/api.ts';
import { ClusterError } from '#cluster/api.ts';

import {
  type Is,
  isAlive,
  isProblem,
  isReply,
  isResult,
  isSomething,
  isStarted,
  isStats,
  isTask,
  isTaskList,
  isWorkflow,
  isWorkflowList,
  type Problem,
} from './answers.ts';
import type { Backend, Ending } from './backend.ts';
import { NotPermittedError } from './client-errors.ts';

const answerMs = 30_000;
const retryAfterMs = 1_000;

/** The cluster over the HTTP door of one of its nodes. */
export class HttpBackend implements Backend {
  readonly #base: URL;
  readonly #headers: Readonly<Record<string, string>>;

  /** @throws TypeError when the URL is none of a door */
  constructor(url: string | URL, headers: Readonly<Record<string, string>> = {}) {
    this.#base = baseOf(url);
    this.#headers = headers;
  }

  /** Resolves when a door answers there, whatever else is wrong with its node. */
  async reach(): Promise<void> {
    await this.#request('GET', 'livez', isAlive);
  }

  async start(request: StartRequest): Promise<Started> {
    const { requestId, timeoutMs, onConflict, ...body } = request;
    const { id, existing } = await this.#request('POST', 'api/v1/workflows', isStarted, {
      body: {
        ...body,
        ...(timeoutMs === undefined ? {} : { timeout: timeoutMs }),
        ...(onConflict === 'useExisting' ? { on_conflict: 'use_existing' } : {}),
      },
      headers: requestId === undefined ? {} : { 'Idempotency-Key': requestId },
    });
    return { id, existing };
  }

  async cancel(id: string, reason?: string): Promise<void> {
    const body = reason === undefined ? {} : { reason };
    await this.#request('POST', `${workflowPath(id)}/cancel`, isSomething, { body });
  }

  async retry(id: string): Promise<void> {
    await this.#request('POST', `${workflowPath(id)}/retry`, isSomething);
  }

  async signal({ workflowId, signal, payload, requestId }: SignalRequest): Promise<void> {
    const path = `${workflowPath(workflowId)}/signals/${encodeURIComponent(signal)}`;
    await this.#request('POST', path, isSomething, {
      body: payload === undefined ? {} : { payload },
      headers: requestId === undefined ? {} : { 'Idempotency-Key': requestId },
    });
  }

  async describe(id: string): Promise<WorkflowView> {
    return await this.#request('GET', workflowPath(id), isWorkflow);
  }

  async tasks(id: string): Promise<readonly TaskView[]> {
    return (await this.#request('GET', `${workflowPath(id)}/tasks`, isTaskList)).tasks;
  }

  async task(id: string): Promise<TaskView> {
    return await this.#request('GET', `api/v1/tasks/${encodeURIComponent(id)}`, isTask);
  }

  async result(id: string, waitMs: number, signal: AbortSignal): Promise<Ending | null> {
    const path = `${workflowPath(id)}/result?wait=${Math.ceil(waitMs)}ms`;
    const { status, problem, json } = await this.#exchange('GET', path, {
      signal,
      answerMs: waitMs + answerMs,
    });
    if (status === 202) return null;
    if (problem === null) {
      return { state: 'completed', output: this.#checked(json, isResult, status).output };
    }
    if (problem.code === 'WORKFLOW_CANCELED') return { state: 'canceled', reason: problem.detail };
    if (problem.code !== 'WORKFLOW_FAILED') throw errorOf(problem);
    const unknown = { kind: 'error', name: 'Error', retryable: false } as const;
    const failure = problem.failure ?? { ...unknown, message: problem.detail };
    return { state: 'failed', failure };
  }

  async list(filter: ListFilter): Promise<WorkflowPage> {
    const path = `api/v1/workflows?${queryOf(filter).toString()}`;
    const { workflows, next_cursor: next } = await this.#request('GET', path, isWorkflowList);
    return { rows: workflows, next: next ?? null };
  }

  async stats(): Promise<Readonly<Record<WorkflowStatus, number>>> {
    const stats = await this.#request('GET', 'api/v1/stats', isStats);
    const { pending, running, completed, failed, canceled } = stats;
    return { pending, running, completed, failed, canceled };
  }

  async ask(call: ActorCall): Promise<Json> {
    return (await this.#message('ask', call, isReply)).reply;
  }

  async tell(call: ActorCall): Promise<void> {
    await this.#message('tell', call, isSomething);
  }

  async resumeActor(name: string, key: string): Promise<void> {
    await this.#request('POST', `${actorPath(name, key)}/resume`, isSomething);
  }

  async close(): Promise<void> {
    // Connections that nobody uses are closed by fetch itself.
  }

  async #message<Value>(verb: 'ask' | 'tell', call: ActorCall, is: Is<Value>): Promise<Value> {
    const { name, key, on, payload, id, timeoutMs } = call;
    return await this.#request('POST', `${actorPath(name, key)}/${verb}`, is, {
      body: {
        message: on,
        payload,
        ...(id === undefined ? {} : { id }),
        ...(timeoutMs === undefined ? {} : { timeout: timeoutMs }),
      },
    });
  }

  async #request<Value>(
    method: string,
    path: string,
    is: Is<Value>,
    options: RequestOptions = {},
  ): Promise<Value> {
    const { status, json, problem } = await this.#exchange(method, path, options);
    if (problem !== null) throw errorOf(problem);
    return this.#checked(json, is, status);
  }

  #checked<Value>(json: unknown, is: Is<Value>, status: number): Value {
    if (is(json)) return json;
    throw this.#strangeAnswer(status);
  }

  async #exchange(method: string, path: string, options: RequestOptions): Promise<Answer> {
    const { body, headers, signal } = options;
    const late = AbortSignal.timeout(Math.ceil(options.answerMs ?? answerMs));
    try {
      const response = await fetch(new URL(path, this.#base), {
        method,
        headers: {
          ...this.#headers,
          ...(body === undefined ? {} : { 'Content-Type': 'application/json' }),
          ...headers,
        },
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
        signal: signal === undefined ? late : AbortSignal.any([signal, late]),
      });
      return this.#answerOf(response, await response.text());
    } catch (error) {
      signal?.throwIfAborted();
      if (error instanceof ClusterError) throw error;
      throw new ClusterError(
        'UNAVAILABLE',
        `nothing answers at ${this.#base.href} (${reasonOf(error)}); start a node there, or connect to the URL of one that runs`,
        { cause: error, retryAfterMs },
      );
    }
  }

  #answerOf(response: Response, text: string): Answer {
    const { status, ok } = response;
    const json = parsed(text);
    if (json !== undefined && ok) return { status, json, problem: null };
    if (!isProblem(json)) throw this.#strangeAnswer(status);
    const seconds = Number(response.headers.get('Retry-After') ?? Number.NaN);
    const retry = Number.isFinite(seconds) ? { retryAfterMs: seconds * 1000 } : {};
    return { status, json, problem: { ...json, ...retry } };
  }

  /** Something else than a door has answered: a proxy, or another program. */
  #strangeAnswer(status: number): ClusterError {
    return new ClusterError(
      status >= 502 ? 'UNAVAILABLE' : 'INTERNAL',
      `${this.#base.href} answered ${status} with something that TemJob does not say; is it the URL of a TemJob node?`,
      status >= 502 ? { retryAfterMs } : {},
    );
  }
}

// ---- helpers ----

interface RequestOptions {
  readonly body?: object;
  readonly headers?: Readonly<Record<string, string>>;
  readonly signal?: AbortSignal;
  readonly answerMs?: number;
}

interface Answer {
  readonly status: number;
  readonly json: unknown;
  readonly problem: (Problem & { readonly retryAfterMs?: number }) | null;
}

/** undefined is no JSON. */
function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

const codes: Readonly<Record<ClusterErrorCode, true>> = {
  INVALID_INPUT: true,
  NOT_FOUND: true,
  ALREADY_EXISTS: true,
  ALREADY_CLOSED: true,
  NOT_FAILED: true,
  UNKNOWN_SIGNAL: true,
  SIGNAL_NOT_AWAITED: true,
  NODE_NOT_FOUND: true,
  LAST_NODE: true,
  IDEMPOTENCY_MISMATCH: true,
  UNKNOWN_DEFINITION: true,
  TOO_LARGE: true,
  ACTOR_QUARANTINED: true,
  ACTOR_MAILBOX_FULL: true,
  ACTOR_FAILED: true,
  ALREADY_APPLIED: true,
  OVERLOADED: true,
  DRAINING: true,
  UNAVAILABLE: true,
  TIMEOUT: true,
  INTERNAL: true,
};

function isClusterErrorCode(code: string): code is ClusterErrorCode {
  return Object.hasOwn(codes, code);
}

function errorOf(problem: NonNullable<Answer['problem']>): Error {
  const { code, detail, errors, failure } = problem;
  if (code === 'UNAUTHENTICATED' || code === 'FORBIDDEN')
    return new NotPermittedError(code, detail);
  return new ClusterError(codeOf(code), detail, {
    ...(problem.retryAfterMs === undefined ? {} : { retryAfterMs: problem.retryAfterMs }),
    ...(errors === undefined ? {} : { problems: errors }),
    ...(failure === undefined || failure === null ? {} : { failure }),
  });
}

function queryOf(filter: ListFilter): URLSearchParams {
  const { limit, offset, cursor, states, name, idPrefix, tags = {} } = filter;
  const { createdAfter, createdBefore } = filter;
  const given = {
    limit,
    offset,
    cursor,
    state: states?.join(','),
    name,
    id_prefix: idPrefix,
    created_after: createdAfter === undefined ? undefined : new Date(createdAfter).toISOString(),
    created_before: createdBefore === undefined ? undefined : new Date(createdBefore).toISOString(),
    ...Object.fromEntries(Object.entries(tags).map(([tag, value]) => [`tag.${tag}`, value])),
  };
  const query = new URLSearchParams();
  for (const [key, value] of Object.entries(given)) {
    if (value !== undefined) query.set(key, String(value));
  }
  return query;
}

/** The door says what was not found; a client of a node hears that from the message. */
function codeOf(code: string): ClusterErrorCode {
  if (isClusterErrorCode(code)) return code;
  if (/^(?:WORKFLOW|TASK|ACTOR|DEFINITION)_NOT_FOUND$/.test(code)) return 'NOT_FOUND';
  return 'INTERNAL';
}

function baseOf(url: string | URL): URL {
  const base = URL.canParse(String(url)) ? new URL(url) : null;
  if (base === null || !['http:', 'https:'].includes(base.protocol)) {
    throw new TypeError(
      `${JSON.stringify(String(url))} is not the URL of a TemJob node. Write it as http://localhost:8088.`,
    );
  }
  if (!base.pathname.endsWith('/')) base.pathname += '/';
  return base;
}

function workflowPath(id: string): string {
  return `api/v1/workflows/${encodeURIComponent(id)}`;
}

function actorPath(name: string, key: string): string {
  return `api/v1/actors/${encodeURIComponent(name)}/${encodeURIComponent(key)}`;
}

/** `fetch failed` says nothing; its cause does. */
function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return error.cause instanceof Error ? error.cause.message || error.cause.name : error.message;
}
