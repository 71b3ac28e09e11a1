import type { Failure } from './failure.ts';
import { taskId } from './ids.ts';
import type { Json, JsonObject } from './json.ts';
import type { Plan } from './plan.ts';
import type { Tags } from './tags.ts';
import { type Surroundings, type Why, whyOf } from './why.ts';
import type { TaskState, TaskStatus, WorkflowState, WorkflowStatus } from './workflow-state.ts';
import { laidOver, mergedOutput } from './workflow-state.ts';
import { stepContext } from './workflow-work.ts';

/** A workflow as people see it: the seed's fields with the seed's names and shapes, and more. Times are RFC 3339. */
export interface WorkflowView {
  readonly id: string;
  readonly name: string;
  readonly input: JsonObject;
  readonly output?: JsonObject;
  readonly state: WorkflowStatus;
  /** Ids of its tasks, in the order of the definition. */
  readonly tasks: readonly string[];
  readonly created_at: string;
  readonly started_at?: string;
  readonly ended_at?: string;
  readonly version: string;
  readonly tags: Tags;
  /** Why it failed, or the reason given for its cancellation. */
  readonly error?: string;
  readonly failure?: Failure;
  /** Outputs of the steps apart, by step name. */
  readonly outputs: Readonly<Record<string, Json>>;
  readonly timeout_at?: string;
  /** Why it is where it is, as its owner sees it; absent once it has ended. */
  readonly why?: Why;
}

/** A task as people see it: the seed's fields, and more. */
export interface TaskView {
  readonly id: string;
  readonly workflow_id: string;
  readonly type: string;
  readonly step: string;
  readonly depends_on: readonly string[];
  readonly input: JsonObject;
  readonly output?: Json;
  readonly state: TaskStatus;
  readonly error?: string;
  readonly failure?: Failure;
  readonly retry_count: number;
  readonly max_retries: number;
  readonly attempt: number;
  readonly created_at: string;
  readonly started_at?: string;
  readonly completed_at?: string;
  readonly next_attempt_at?: string;
  readonly worker_id?: string;
  readonly progress?: { readonly fraction: number | null; readonly note: string | null };
  /** Why it was skipped or canceled. */
  readonly reason?: string;
}

/** `around`: what the owner knows besides; without it the view does not say why. */
export function workflowView(
  plan: Plan,
  state: WorkflowState,
  around?: Surroundings,
): WorkflowView {
  const outputs: Record<string, Json> = {};
  for (const { number, step } of plan.steps) {
    const task = state.tasks[number];
    if (task?.status === 'completed') outputs[step.name] = task.output;
  }
  const error = state.failure?.message ?? state.cancelReason;
  const why = around === undefined ? null : whyOf(plan, state, around);
  return {
    id: state.id,
    name: state.name,
    input: state.input,
    ...(state.status === 'completed' ? { output: mergedOutput(state) } : {}),
    state: state.status,
    tasks: state.tasks.map((_, step) => taskId(state.id, step)),
    created_at: iso(state.createdAt),
    ...optional('started_at', state.startedAt, iso),
    ...optional('ended_at', state.endedAt, iso),
    version: state.version,
    tags: state.tags,
    ...(error === null ? {} : { error }),
    ...(state.failure === null ? {} : { failure: state.failure }),
    outputs,
    ...optional('timeout_at', state.timeoutAt, iso),
    ...(why === null ? {} : { why }),
  };
}

/** All of its tasks, or those of some steps; in the order of the definition. */
export function taskViews(
  plan: Plan,
  state: WorkflowState,
  only?: ReadonlySet<number>,
): readonly TaskView[] {
  const shown = only === undefined ? plan.steps : plan.steps.filter((one) => only.has(one.number));
  return shown.map((planned) => {
    const task = state.tasks[planned.number];
    if (task === undefined) throw new Error(`W4: ${state.id} has no task ${planned.number}`);
    return taskView(plan, state, planned.number, task);
  });
}

function taskView(plan: Plan, state: WorkflowState, number: number, task: TaskState): TaskView {
  const planned = plan.steps[number];
  if (planned === undefined) throw new Error(`W4: ${state.id} has no step ${number}`);
  const { step } = planned;
  const context = stepContext(state, plan, planned);
  return {
    id: taskId(state.id, number),
    workflow_id: state.id,
    type: step.task,
    step: step.name,
    depends_on: step.needs,
    input: {
      ...laidOver(context.input, Object.values(context.outputs)),
      ...(context.error === undefined ? {} : { error: context.error }),
    },
    ...(task.status === 'completed' ? { output: task.output } : {}),
    state: task.status,
    ...(task.failure === null ? {} : { error: task.failure.message, failure: task.failure }),
    retry_count: Math.max(0, task.attempt - task.attemptsBefore - 1),
    max_retries: step.retry.maxAttempts - 1,
    attempt: task.attempt,
    created_at: iso(task.firstScheduledAt ?? state.createdAt),
    ...optional('started_at', task.startedAt, iso),
    ...optional('completed_at', task.endedAt, iso),
    ...optional('next_attempt_at', task.retryAt, iso),
    ...optional('worker_id', task.node, String),
    ...(task.progress === null ? {} : { progress: task.progress }),
    ...optional('reason', task.reason, String),
  };
}

function iso(at: number): string {
  return new Date(at).toISOString();
}

function optional<Key extends string, Value>(
  key: Key,
  value: Value | null,
  show: (value: Value) => string,
): Partial<Record<Key, string>> {
  const shown: Partial<Record<Key, string>> = {};
  if (value !== null) shown[key] = show(value);
  return shown;
}
