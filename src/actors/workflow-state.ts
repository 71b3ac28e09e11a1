import assert from 'node:assert';

import type { Defaults } from './defaults.ts';
import type { Failure } from './failure.ts';
import { isJsonObject, type Json, type JsonObject } from './json.ts';
import { limits } from './message.ts';
import type { Plan } from './plan.ts';
import type { Tags } from './tags.ts';
import type { WorkflowEvent } from './workflow-events.ts';

export type WorkflowStatus = 'pending' | 'running' | 'completed' | 'failed' | 'canceled';

export type TaskStatus =
  /** Not handed out yet, or handed out and not begun. */
  | 'pending'
  /** For its signal. */
  | 'waiting'
  | 'running'
  | 'retrying'
  | 'completed'
  | 'failed'
  | 'canceled'
  | 'skipped';

export interface WorkflowState {
  readonly id: string;
  readonly name: string;
  readonly version: string;
  status: WorkflowStatus;
  readonly input: JsonObject;
  readonly tags: Tags;
  /** Of the cluster when it started, for what its definition leaves open. */
  readonly defaults: Defaults | null;
  readonly tasks: TaskState[];
  /** How many of the tasks have not ended. */
  open: number;
  readonly createdAt: number;
  startedAt: number | null;
  endedAt: number | null;
  readonly timeoutAt: number | null;
  /** Why it failed or is going to. */
  failure: Failure | null;
  cancelReason: string | null;
  /** The message that started it, and what tells its input from that of another start under the same id. */
  readonly startedBy: string;
  readonly inputDigest: string | null;
  /** When it was opened again after a failure; its timeout counts from here. */
  readonly retriedAt: number | null;
  /** The newest messages that opened it again. */
  readonly retriedBy: readonly string[];
  /** As in `workflow.accepted`. */
  readonly trace?: string;
}

export interface TaskState {
  status: TaskStatus;
  /** How many of the tasks that it waits for have not ended. */
  blockers: number;
  /** 0 until the first attempt is handed out. */
  attempt: number;
  /** How many attempts were made before the workflow was opened again: the retry policy does not count them. */
  attemptsBefore: number;
  delivery: number;
  /** How many nodes died with the current attempt. */
  deaths: number;
  where: string | null;
  node: string | null;
  firstScheduledAt: number | null;
  scheduledAt: number | null;
  startedAt: number | null;
  endedAt: number | null;
  retryAt: number | null;
  heartbeatAt: number | null;
  progress: { readonly fraction: number | null; readonly note: string | null } | null;
  details: Json | null;
  /** Of a completed task; the payload of a signal from the moment it came. */
  output: Json | null;
  /** What brought the signal, when it has come, and what tells its payload from that of another. */
  signaledBy: { readonly message: string; readonly payloadDigest: string | null } | null;
  failure: Failure | null;
  reason: string | null;
}

/**
 * W1  Completed, failed for good, canceled or skipped: no event leaves it but `workflow.retried`, which opens a failed
 * workflow again, and with it the steps that it names.
 */
export function hasEnded(task: TaskState): boolean {
  return task.endedAt !== null;
}

export function isClosed(state: WorkflowState): boolean {
  return state.endedAt !== null;
}

/** Handed out and not ended: somebody should be running it, or about to. */
export function isOut(task: TaskState): boolean {
  return task.status === 'running' || (task.status === 'pending' && task.scheduledAt !== null);
}

/** A state as it was stored, read: one of an earlier version gets what it lacks. */
export function readWorkflowState(text: string): WorkflowState {
  const { tasks, ...stored }: StoredWorkflow = JSON.parse(text);
  return {
    tags: {},
    defaults: null,
    inputDigest: null,
    retriedAt: null,
    retriedBy: [],
    ...stored,
    tasks: tasks.map((task) => ({ attemptsBefore: 0, signaledBy: null, ...task })),
  };
}

type StoredWorkflow = Lacking<
  Omit<WorkflowState, 'tasks'>,
  'tags' | 'defaults' | 'inputDigest' | 'retriedAt' | 'retriedBy'
> & { readonly tasks: readonly Lacking<TaskState, 'attemptsBefore' | 'signaledBy'>[] };

type Lacking<Whole, Keys extends keyof Whole> = Omit<Whole, Keys> & Partial<Pick<Whole, Keys>>;

/** The seed's output: the input, with the outputs of the steps laid over it in the order of the definition. */
export function mergedOutput(state: WorkflowState): JsonObject {
  return laidOver(
    state.input,
    state.tasks.map((task) => (task.status === 'completed' ? task.output : null)),
  );
}

/** An object with others laid over it, the last on top; what is no object adds nothing. */
export function laidOver(input: JsonObject, outputs: readonly Json[]): JsonObject {
  const merged: Record<string, Json> = { ...input };
  for (const output of outputs) {
    if (!isJsonObject(output)) continue;
    for (const key in output) set(merged, key, output[key] ?? null);
  }
  return merged;
}

/** Assigning to `__proto__` would replace the prototype; a user's key is a key. */
function set(object: Record<string, Json>, key: string, value: Json): void {
  if (key !== '__proto__') object[key] = value;
  else
    Object.defineProperty(object, key, {
      value,
      enumerable: true,
      configurable: true,
      writable: true,
    });
}

/**
 * Applies one event. The state is owned by one activation and is changed in place: a copy per event was a third of the cost
 * of a decision. The same events over the same start always give the same state (W2), whoever folds them.
 */
export function evolveWorkflow(
  state: WorkflowState | null,
  event: WorkflowEvent,
  plan: Plan,
  id: string,
): WorkflowState {
  if (event.type === 'workflow.accepted') {
    assert(state === null, 'W3: a workflow is accepted once');
    return accept(event, plan, id);
  }
  assert(state !== null, 'W3: a workflow is accepted before anything else happens to it');
  if (event.type === 'workflow.retried') return openAgain(state, event, plan);
  assert(state.endedAt === null, 'W1: nothing happens to a workflow that has ended');
  switch (event.type) {
    case 'task.scheduled': {
      const task = openTask(state, event.step);
      begin(state, event.at);
      task.deaths = event.attempt === task.attempt ? task.deaths + (event.lost ? 1 : 0) : 0;
      task.status = 'pending';
      task.attempt = event.attempt;
      task.delivery = event.delivery;
      task.where = event.where;
      task.node = null;
      task.firstScheduledAt ??= event.at;
      task.scheduledAt = event.at;
      task.startedAt = null;
      task.retryAt = null;
      task.heartbeatAt = null;
      task.progress = null;
      return state;
    }
    case 'task.waiting': {
      const task = openTask(state, event.step);
      begin(state, event.at);
      task.status = 'waiting';
      task.attempt = event.attempt;
      task.firstScheduledAt ??= event.at;
      task.startedAt = event.at;
      return state;
    }
    case 'task.signaled': {
      const task = openTask(state, event.step);
      assert(task.signaledBy === null, 'W7: a signal comes once');
      task.signaledBy = { message: event.by, payloadDigest: event.payloadDigest ?? null };
      task.output = event.payload;
      return state;
    }
    case 'task.started': {
      const task = openTask(state, event.step);
      task.status = 'running';
      task.startedAt = event.at;
      task.node = event.node;
      return state;
    }
    case 'task.progressed': {
      const task = openTask(state, event.step);
      task.heartbeatAt = event.at;
      if (event.fraction !== undefined || event.note !== undefined) {
        task.progress = {
          fraction: event.fraction ?? task.progress?.fraction ?? null,
          note: event.note ?? task.progress?.note ?? null,
        };
      }
      if (event.details !== undefined) task.details = event.details;
      return state;
    }
    case 'task.completed': {
      const task = end(state, plan, event, 'completed');
      task.startedAt = event.startedAt;
      task.node = event.node;
      task.output = event.output;
      task.failure = null;
      return state;
    }
    case 'task.skipped': {
      const task = end(state, plan, event, 'skipped');
      task.reason = event.reason;
      task.failure = null;
      return state;
    }
    case 'task.failed': {
      const task = openTask(state, event.step);
      task.failure = event.failure;
      task.startedAt = event.startedAt;
      task.node = event.node;
      if (event.retryAt === null) {
        end(state, plan, event, 'failed');
      } else {
        task.status = 'retrying';
        task.retryAt = event.retryAt;
        task.scheduledAt = null;
        task.where = null;
      }
      return state;
    }
    case 'task.canceled':
      end(state, plan, event, 'canceled').reason = event.reason;
      return state;
    case 'workflow.failing':
      state.failure = event.failure;
      return state;
    case 'workflow.completed':
      return close(state, 'completed', event.at);
    case 'workflow.failed':
      state.failure = event.failure;
      return close(state, 'failed', event.at);
    case 'workflow.canceled':
      state.cancelReason = event.reason;
      return close(state, 'canceled', event.at);
  }
}

function accept(
  event: Extract<WorkflowEvent, { type: 'workflow.accepted' }>,
  plan: Plan,
  id: string,
): WorkflowState {
  return {
    id,
    name: event.name,
    version: event.version,
    status: 'pending',
    input: event.input,
    tags: event.tags ?? {},
    defaults: event.defaults ?? null,
    open: plan.steps.length,
    tasks: plan.steps.map((planned) => newTask(planned.waitsFor.length, 0)),
    createdAt: event.at,
    startedAt: null,
    endedAt: null,
    timeoutAt: event.timeoutAt,
    failure: null,
    cancelReason: null,
    startedBy: event.by,
    inputDigest: event.inputDigest ?? null,
    retriedAt: null,
    retriedBy: [],
    ...(event.trace === undefined ? {} : { trace: event.trace }),
  };
}

function newTask(blockers: number, attemptsBefore: number): TaskState {
  return {
    status: 'pending',
    blockers,
    attempt: attemptsBefore,
    attemptsBefore,
    delivery: 0,
    deaths: 0,
    where: null,
    node: null,
    firstScheduledAt: null,
    scheduledAt: null,
    startedAt: null,
    endedAt: null,
    retryAt: null,
    heartbeatAt: null,
    progress: null,
    details: null,
    output: null,
    signaledBy: null,
    failure: null,
    reason: null,
  };
}

/** W1  The one way back. It makes a new state: whoever shows the end of the old one a little later shows that very end. */
function openAgain(
  state: WorkflowState,
  event: Extract<WorkflowEvent, { type: 'workflow.retried' }>,
  plan: Plan,
): WorkflowState {
  assert(state.status === 'failed', 'W1: only a workflow that has failed is opened again');
  const again = new Set(event.steps);
  for (const step of again) {
    assert(step in state.tasks, `W4: workflow ${state.id} has no step number ${step}`);
  }
  const tasks = state.tasks.map((task, number) => {
    if (!again.has(number)) return task;
    const waitsFor = plan.steps[number]?.waitsFor ?? [];
    const blockers = waitsFor.filter((other) => again.has(other)).length;
    const kept = { details: task.details, signaledBy: task.signaledBy };
    // A signal that came before its step's turn was acknowledged, so it is there when the turn comes now.
    const output = task.signaledBy === null ? null : task.output;
    return { ...newTask(blockers, task.attempt), ...kept, output };
  });
  return {
    ...state,
    status: 'pending',
    tasks,
    open: again.size,
    endedAt: null,
    timeoutAt: event.timeoutAt,
    failure: null,
    retriedAt: event.at,
    retriedBy: [...state.retriedBy, event.by].slice(-limits.retriesRemembered),
  };
}

function begin(state: WorkflowState, at: number): void {
  if (state.status !== 'pending') return;
  state.status = 'running';
  state.startedAt ??= at;
}

function openTask(state: WorkflowState, step: number): TaskState {
  const task = state.tasks[step];
  assert(task !== undefined, `W4: workflow ${state.id} has no step number ${step}`);
  assert(!hasEnded(task), 'W1: nothing happens to a task that has ended');
  return task;
}

function end(
  state: WorkflowState,
  plan: Plan,
  event: { readonly step: number; readonly at: number },
  status: TaskStatus,
): TaskState {
  const task = openTask(state, event.step);
  task.status = status;
  task.endedAt = event.at;
  task.retryAt = null;
  state.open -= 1;
  for (const number of plan.steps[event.step]?.waitedForBy ?? []) {
    const waiting = state.tasks[number];
    if (waiting !== undefined) waiting.blockers -= 1;
  }
  return task;
}

function close(state: WorkflowState, status: WorkflowStatus, at: number): WorkflowState {
  assert(state.open === 0, 'W5: a workflow ends after all its tasks');
  state.status = status;
  state.startedAt ??= at;
  state.endedAt = at;
  return state;
}
