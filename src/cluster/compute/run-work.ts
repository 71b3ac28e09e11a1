import type { StepCode, StepContext, TaskContext } from '#actors/definition.ts';
import { type Failure, type FailureKind, failureOf } from '#actors/failure.ts';
import { taskId } from '#actors/ids.ts';
import type { Json, JsonObject } from '#actors/json.ts';
import type {
  ActorMessage,
  Outcome,
  TaskJob,
  TurnJob,
  TurnReply,
  Work,
  WorkRef,
} from '#actors/work.ts';
import { laidOver } from '#actors/workflow-state.ts';

import { jsonText } from './json-text.ts';
import type { AnyActor, Registry } from './registry.ts';
import type { Reports } from './reports.ts';

/**
 * Runs one attempt of a task or one turn of an actor, the same way in a thread and on the main thread. Never rejects.
 * The outcome is JSON text: what user code returned has to become text to be checked and measured, and travels so.
 * `prepared` is the handler's input when `when` and `map` were evaluated elsewhere.
 */
export async function runWork(
  work: Work,
  registry: Registry,
  host: Host,
  prepared?: Prepared,
): Promise<string> {
  try {
    const { job } = work;
    if (job.kind === 'turn') return await runTurn(work, job, registry, host);
    return await runTask(work, job, registry, host, prepared);
  } catch (error) {
    return failed(failureOfThrown(error, host));
  }
}

/** Where an attempt runs, and how it is heard and told to stop. */
export interface Host {
  readonly node: string;
  readonly limits: Limits;
  readonly reports: Reports;
  readonly signal: AbortSignal;
  /** Why it should stop, as soon as it should. */
  readonly abortReason: string | null;
}

export interface Limits {
  readonly warnBytes: number;
  readonly maxBytes: number;
}

/** The input of a handler, mapped. */
export interface Prepared {
  readonly input: unknown;
}

async function runTask(
  work: Work,
  job: TaskJob,
  registry: Registry,
  host: Host,
  prepared: Prepared | undefined,
): Promise<string> {
  const handler = registry.handler(work.queue, job);
  if (handler === null) return failed(noHandler(work, registry.offers));
  const ready = prepared ?? prepare(job, registry);
  const given = ready instanceof Promise ? await ready : ready;
  if (typeof given === 'string') return given;
  const run = (): unknown => handler(given.input, taskContext(work, job, host));
  const result = work.trace === undefined ? run() : await runTraced(work.trace, run);
  const output = isThenable(result) ? await result : result;
  const checked = checkedText(output, 'output', host);
  if (!checked.ok) return failed(checked.failure);
  return `{"status":"completed","output":${checked.text}}`;
}

/** What the handler calls is traced below its attempt or its message, by the SDK of this thread if it has one. */
async function runTraced(trace: string, run: () => unknown): Promise<unknown> {
  // Loaded with the first attempt that is traced: most threads never run one.
  const { withinTrace } = await import('../tracing/within.ts');
  return await withinTrace(trace, run);
}

/** Evaluates `when` and `map`: the handler's input, or the outcome when the handler is not to run. Rejects with what they throw. */
export function prepare(
  job: TaskJob,
  registry: Registry,
): Prepared | string | Promise<Prepared | string> {
  if (!job.conditional && !job.mapped) return { input: merged(job) };
  return evaluate(job, registry.step(job));
}

async function evaluate(job: TaskJob, step: StepCode | null): Promise<Prepared | string> {
  const missing = [
    ...(job.conditional && step?.when === undefined ? ["'when'"] : []),
    ...(job.mapped && step?.map === undefined ? ["'map'"] : []),
  ];
  if (missing.length > 0) {
    return failed({
      kind: 'no-handler',
      name: 'NoHandlerError',
      message: `Step '${job.step}' has a ${missing.join(' and a ')}, but no version of workflow '${job.workflow}' that is loaded here has code for it.`,
      retryable: true,
    });
  }
  const context: StepContext & { merged: JsonObject } = {
    input: job.input,
    outputs: job.outputs,
    merged: merged(job),
    ...(job.error === undefined ? {} : { error: job.error }),
  };
  if (job.conditional && step?.when !== undefined && !(await step.when(context))) {
    return '{"status":"skipped"}';
  }
  return {
    input: job.mapped && step?.map !== undefined ? await step.map(context) : context.merged,
  };
}

/** The workflow's input and the outputs before, in one object: what every handler gets unless its step maps. */
function merged(job: TaskJob): JsonObject {
  const all = laidOver(job.input, Object.values(job.outputs));
  // The handler of an `onError` step has no other way to see what it handles.
  return job.error === undefined ? all : { ...all, error: job.error };
}

function taskContext(work: Work, job: TaskJob, host: Host): TaskContext {
  const { reports } = host;
  const id = taskId(work.actor, work.task);
  return {
    workflowId: work.actor,
    taskId: id,
    step: job.step,
    attempt: work.attempt,
    idempotencyKey: `${work.actor}:${work.task}`,
    // A getter, because most handlers never ask and an AbortController costs as much as a small task.
    get signal() {
      return host.signal;
    },
    node: host.node,
    outputs: job.outputs,
    workflowInput: job.input,
    heartbeatDetails: job.heartbeatDetails,
    ...(work.trace === undefined ? {} : { traceparent: work.trace }),
    log: reports.log,
    heartbeat(details) {
      if (details === undefined) {
        reports.progress({});
        return;
      }
      const checked = checkedText(details, 'heartbeat details', host);
      if (!checked.ok) throw new TypeError(checked.failure.message);
      const copy: Json = JSON.parse(checked.text);
      reports.progress({ details: copy });
    },
    progress(fraction, note) {
      const clamped = Number.isFinite(fraction) ? Math.min(1, Math.max(0, fraction)) : 0;
      reports.progress({
        fraction: clamped,
        ...(note === undefined ? {} : { note: note.slice(0, noteLimit) }),
      });
    },
  };
}

async function runTurn(work: Work, job: TurnJob, registry: Registry, host: Host): Promise<string> {
  const actor = registry.actor(job.name);
  if (actor === null) return failed(noHandler(work, registry.offers));
  // The state is kept as text, so that a handler that changes it in place and then throws has changed nothing.
  let state = job.state === null ? null : JSON.stringify(job.state);
  if (state === null) {
    const initial = checkedText(actor.initialState(), 'initial state', host);
    if (!initial.ok) return failed(initial.failure);
    state = initial.text;
  }
  const replies: TurnReply[] = [];
  for (const message of job.messages) {
    if (host.abortReason !== null) return failed(canceledFailure(host.abortReason));
    const answer = await runMessage(work, job, actor, state, message, host);
    state = answer.state;
    replies.push(answer.reply);
  }
  return `{"status":"turned","state":${state},"replies":${JSON.stringify(replies)}}`;
}

async function runMessage(
  work: Work,
  job: TurnJob,
  actor: AnyActor,
  state: string,
  message: ActorMessage,
  host: Host,
): Promise<{ state: string; reply: TurnReply }> {
  const { id, payload, trace } = message;
  const fail = (failure: Failure): { state: string; reply: TurnReply } => ({
    state,
    reply: { id, ok: false, failure },
  });
  const handler = Object.hasOwn(actor.on, message.on) ? actor.on[message.on] : undefined;
  if (handler === undefined) {
    const known = list(Object.keys(actor.on));
    return fail({
      kind: 'no-handler',
      name: 'NoHandlerError',
      message: `Actor '${job.name}' has no handler for '${message.on}'; it has ${known}.`,
      retryable: false,
    });
  }
  try {
    const context = {
      actorId: work.actor,
      key: job.key,
      messageId: id,
      node: host.node,
      ...(trace === undefined ? {} : { traceparent: trace }),
    };
    const run = (): unknown => handler(JSON.parse(state), payload, context);
    const result = trace === undefined ? run() : runTraced(trace, run);
    const turn = isThenable(result) ? await within(actor.turnTimeoutMs, result) : result;
    const parts = turnParts(turn);
    if (parts === null) {
      return fail(
        invalid(`The handler '${message.on}' must return { state?, reply? }, or nothing.`),
      );
    }
    const next = parts.state === undefined ? null : checkedText(parts.state, 'state', host);
    if (next !== null && !next.ok) return fail(next.failure);
    const reply = checkedText(parts.reply, 'reply', host);
    if (!reply.ok) return fail(reply.failure);
    const value: Json = JSON.parse(reply.text);
    return { state: next?.text ?? state, reply: { id, ok: true, value } };
  } catch (error) {
    return fail(failureOfThrown(error, host));
  }
}

function turnParts(turn: unknown): { state?: unknown; reply?: unknown } | null {
  if (turn === undefined || turn === null) return {};
  return typeof turn === 'object' && !Array.isArray(turn) ? turn : null;
}

/** The handler may go on after its time; what it then returns is nobody's. */
async function within(ms: number, result: PromiseLike<unknown>): Promise<unknown> {
  if (!Number.isFinite(ms) || ms <= 0) return await result;
  const timeout = Promise.withResolvers<never>();
  const timer = setTimeout(() => timeout.reject(new TurnTimeoutError(ms)), Math.min(ms, maxTimer));
  try {
    return await Promise.race([result, timeout.promise]);
  } finally {
    clearTimeout(timer);
  }
}

class TurnTimeoutError extends Error {
  override readonly name = 'TurnTimeout';
  constructor(ms: number) {
    super(`The turn took longer than ${ms} ms.`);
  }
}

/** What user code gave as JSON text, within the limits; a large one is named in the attempt's log. */
function checkedText(value: unknown, what: string, host: Host): Checked {
  const json = jsonText(value);
  if (!json.ok) return { ok: false, failure: invalid(`The ${what} is not JSON: ${json.problem}.`) };
  const { text } = json;
  const { warnBytes, maxBytes } = host.limits;
  if (text.length * 3 <= warnBytes) return { ok: true, text };
  const bytes = Buffer.byteLength(text);
  if (bytes > maxBytes) {
    return {
      ok: false,
      failure: {
        kind: 'too-large',
        name: 'TooLargeError',
        message: `The ${what} has ${bytes} bytes, more than the limit of ${maxBytes}. Store it elsewhere and return a reference.`,
        retryable: false,
      },
    };
  }
  if (bytes > warnBytes) {
    host.reports.log.warn(`The ${what} is large: ${bytes} bytes; the limit is ${maxBytes}.`);
  }
  return { ok: true, text };
}

type Checked =
  | { readonly ok: true; readonly text: string }
  | { readonly ok: false; readonly failure: Failure };

function failed(failure: Failure): string {
  return JSON.stringify({ status: 'failed', failure } satisfies Outcome);
}

/** The failure of an attempt whose handler threw; after an abort that is how a handler obeys. */
function failureOfThrown(error: unknown, host: Host): Failure {
  const { abortReason } = host;
  if (error instanceof TurnTimeoutError) return safeFailure(error, 'timeout');
  if (abortReason === null) return safeFailure(error);
  const failure = safeFailure(error, 'canceled');
  const message =
    failure.message === abortReason ? abortReason : `${abortReason}: ${failure.message}`;
  return { ...failure, message, retryable: false };
}

/** An error object may itself be hostile: getters that throw, a message that is no string. */
export function safeFailure(error: unknown, kind: FailureKind = 'error'): Failure {
  try {
    // Once through JSON, so that nothing of the thrown object is left in it.
    const failure: Failure = JSON.parse(JSON.stringify(failureOf(error, kind)));
    return { ...failure, name: asText(failure.name), message: asText(failure.message) };
  } catch {
    return {
      kind,
      name: 'Error',
      message: 'an error that cannot be read was thrown',
      retryable: true,
    };
  }
}

function asText(value: unknown): string {
  return typeof value === 'string' ? value : 'unreadable';
}

export function canceledFailure(message: string): Failure {
  return { kind: 'canceled', name: 'CanceledError', message, retryable: false };
}

export function noHandler(work: WorkRef & { queue: string }, offers: ReadonlySet<string>): Failure {
  return {
    kind: 'no-handler',
    name: 'NoHandlerError',
    message: `This node has no handler for '${work.queue}'; it offers ${list([...offers])}.`,
    // Another node may have it.
    retryable: true,
  };
}

function invalid(message: string): Failure {
  return { kind: 'invalid', name: 'InvalidError', message, retryable: false };
}

function list(names: readonly string[]): string {
  if (names.length === 0) return 'nothing';
  const shown = names.slice(0, 20).map((name) => `'${name}'`);
  return names.length > shown.length
    ? `${shown.join(', ')} and ${names.length - shown.length} more`
    : shown.join(', ');
}

function isThenable(value: unknown): value is PromiseLike<unknown> {
  return (
    typeof value === 'object' &&
    value !== null &&
    'then' in value &&
    typeof value.then === 'function'
  );
}

export function abortError(reason: string): DOMException {
  return new DOMException(reason, 'AbortError');
}

const noteLimit = 1000;
const maxTimer = 2 ** 31 - 1;
