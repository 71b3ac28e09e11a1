import type { Failure } from '#actors/failure.ts';
import type { Json, JsonObject } from '#actors/json.ts';
import type { WorkflowStatus } from '#actors/workflow-state.ts';
import type { TaskView, WorkflowView } from '#actors/workflow-view.ts';
import type {
  ActorCall,
  ClusterErrorCode,
  ListFilter,
  Started,
  StartRequest,
  WorkflowRow,
} from '#cluster/api.ts';
import { ClusterError } from '#cluster/api.ts';

import type { Backend, Ending } from './backend.ts';

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

  /** Resolves when something answers there. */
  async reach(): Promise<void> {
    await this.#request('GET', 'livez');
  }

  async start(request: StartRequest): Promise<Started> {
    const { requestId, timeoutMs, onConflict, ...body } = request;
    const answer = await this.#request('POST', 'api/v1/workflows', {
      body: {
        ...body,
        ...(timeoutMs === undefined ? {} : { timeout: timeoutMs }),
        ...(onConflict === 'useExisting' ? { on_conflict: 'use_existing' } : {}),
      },
      headers: requestId === undefined ? {} : { 'Idempotency-Key': requestId },
    });
    const started: Started = answer.json;
    return { id: started.id, existing: started.existing };
  }

  async cancel(id: string, reason?: string): Promise<void> {
    const body = reason === undefined ? {} : { reason };
    await this.#request('POST', `${workflowPath(id)}/cancel`, { body });
  }

  async retry(id: string): Promise<void> {
    await this.#request('POST', `${workflowPath(id)}/retry`);
  }

  async describe(id: string): Promise<WorkflowView> {
    return (await this.#request('GET', workflowPath(id))).json;
  }

  async tasks(id: string): Promise<readonly TaskView[]> {
    const { json } = await this.#request('GET', `${workflowPath(id)}/tasks`);
    const { tasks }: { tasks: readonly TaskView[] } = json;
    return tasks;
  }

  async task(id: string): Promise<TaskView> {
    return (await this.#request('GET', `api/v1/tasks/${encodeURIComponent(id)}`)).json;
  }

  async result(id: string, waitMs: number, signal: AbortSignal): Promise<Ending | null> {
    const path = `${workflowPath(id)}/result?wait=${Math.ceil(waitMs)}ms`;
    const { status, problem, json } = await this.#exchange('GET', path, {
      signal,
      answerMs: waitMs + answerMs,
    });
    if (status === 202) return null;
    if (problem === null) {
      const { output }: { output: JsonObject } = json;
      return { state: 'completed', output };
    }
    if (problem.code === 'WORKFLOW_CANCELED') return { state: 'canceled', reason: problem.detail };
    if (problem.code !== 'WORKFLOW_FAILED') throw errorOf(problem);
    const unknown = { kind: 'error', name: 'Error', retryable: false } as const;
    const failure = problem.failure ?? { ...unknown, message: problem.detail };
    return { state: 'failed', failure };
  }

  async list(filter: ListFilter): Promise<readonly WorkflowRow[]> {
    const query = new URLSearchParams({
      limit: String(filter.limit),
      offset: String(filter.offset),
      ...(filter.state === undefined ? {} : { state: filter.state }),
      ...(filter.name === undefined ? {} : { name: filter.name }),
    });
    const { json } = await this.#request('GET', `api/v1/workflows?${query.toString()}`);
    const { workflows }: { workflows: readonly WorkflowRow[] } = json;
    return workflows;
  }

  async stats(): Promise<Readonly<Record<WorkflowStatus, number>>> {
    const { json } = await this.#request('GET', 'api/v1/stats');
    const { pending, running, completed, failed, canceled }: Record<WorkflowStatus, number> = json;
    return { pending, running, completed, failed, canceled };
  }

  async ask(call: ActorCall): Promise<Json> {
    const { json } = await this.#message('ask', call);
    const { reply }: { reply: Json } = json;
    return reply;
  }

  async tell(call: ActorCall): Promise<void> {
    await this.#message('tell', call);
  }

  async resumeActor(name: string, key: string): Promise<void> {
    await this.#request('POST', `${actorPath(name, key)}/resume`);
  }

  async close(): Promise<void> {
    // Connections that nobody uses are closed by fetch itself.
  }

  async #message(verb: 'ask' | 'tell', call: ActorCall): Promise<Answer> {
    const { name, key, on, payload, id, timeoutMs } = call;
    return await this.#request('POST', `${actorPath(name, key)}/${verb}`, {
      body: {
        message: on,
        payload,
        ...(id === undefined ? {} : { id }),
        ...(timeoutMs === undefined ? {} : { timeout: timeoutMs }),
      },
    });
  }

  async #request(method: string, path: string, options: RequestOptions = {}): Promise<Answer> {
    const answer = await this.#exchange(method, path, options);
    if (answer.problem !== null) throw errorOf(answer.problem);
    return answer;
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
    const { status } = response;
    try {
      const json: Answer['json'] = JSON.parse(text);
      if (response.ok) return { status, json, problem: null };
      const seconds = Number(response.headers.get('Retry-After') ?? Number.NaN);
      const problem: Problem = {
        ...json,
        ...(Number.isFinite(seconds) ? { retryAfterMs: seconds * 1000 } : {}),
      };
      if (typeof problem.code === 'string') return { status, json, problem };
    } catch {
      // Something else than a door has answered: a proxy, or another program.
    }
    throw new ClusterError(
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
  // oxlint-disable-next-line typescript/no-explicit-any -- as JSON.parse gives it: each caller says what the door answers
  readonly json: any;
  readonly problem: Problem | null;
}

/** problem+json, as far as it is of use here. */
interface Problem {
  readonly code: string;
  readonly detail: string;
  readonly failure?: Failure | null;
  readonly errors?: readonly { readonly pointer: string; readonly detail: string }[];
  readonly retryAfterMs?: number;
}

const codes: Readonly<Record<ClusterErrorCode, true>> = {
  INVALID_INPUT: true,
  NOT_FOUND: true,
  ALREADY_EXISTS: true,
  ALREADY_CLOSED: true,
  NOT_FAILED: true,
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

function errorOf(problem: Problem): ClusterError {
  const { detail, errors, failure } = problem;
  return new ClusterError(codeOf(problem.code), detail, {
    ...(problem.retryAfterMs === undefined ? {} : { retryAfterMs: problem.retryAfterMs }),
    ...(errors === undefined ? {} : { problems: errors }),
    ...(failure === undefined || failure === null ? {} : { failure }),
  });
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
