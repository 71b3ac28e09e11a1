import type { Failure } from '#actors/failure.ts';
import { isJsonObject, type Json, type JsonObject } from '#actors/json.ts';
import type { TaskStatus, WorkflowStatus } from '#actors/workflow-state.ts';
import type { TaskView, WorkflowView } from '#actors/workflow-view.ts';
import type { Started, WorkflowRow } from '#cluster/api.ts';

/*
 * What a door answers, checked before a program relies on it: at a URL there may be a proxy, another program, or a version
 * that is too old. What has to be there is checked, and what is there besides is let through: a newer node may say more.
 */

export type Is<Value> = (value: unknown) => value is Value;

const isText = (value: unknown): value is string => typeof value === 'string';
const isNumber = (value: unknown): value is number => typeof value === 'number';
const isFlag = (value: unknown): value is boolean => typeof value === 'boolean';

/** What came out of JSON.parse is JSON, unless nothing did. */
const isJson = (value: unknown): value is Json => value !== undefined;

/** A check for each key that has to be there, and for those of the others that matter. */
type Checks<Value> = {
  readonly [Key in keyof Value as object extends Pick<Value, Key> ? never : Key]: Is<Value[Key]>;
} & { readonly [Key in keyof Value]?: Is<unknown> };

function isObjectOf<Value>(checks: Checks<Value>): Is<Value> {
  const entries = Object.entries<Is<unknown>>(checks);
  return (value): value is Value =>
    isJsonObject(value) && entries.every(([key, is]) => is(value[key]));
}

function isOneOf<Name extends string>(names: Readonly<Record<Name, true>>): Is<Name> {
  return (value): value is Name => isText(value) && Object.hasOwn(names, value);
}

function isListOf<Value>(is: Is<Value>): Is<readonly Value[]> {
  return (value): value is readonly Value[] => Array.isArray(value) && value.every(is);
}

function isRecordOf<Value>(is: Is<Value>): Is<Readonly<Record<string, Value>>> {
  return (value): value is Readonly<Record<string, Value>> =>
    isJsonObject(value) && Object.values(value).every(is);
}

function maybe<Value>(is: Is<Value>): Is<Value | undefined> {
  return (value): value is Value | undefined => value === undefined || is(value);
}

// ---- the answers ----

const isWorkflowStatus = isOneOf<WorkflowStatus>({
  pending: true,
  running: true,
  completed: true,
  failed: true,
  canceled: true,
});

const isTaskStatus = isOneOf<TaskStatus>({
  pending: true,
  waiting: true,
  running: true,
  retrying: true,
  completed: true,
  failed: true,
  canceled: true,
  skipped: true,
});

const isFailure = isObjectOf<Failure>({
  kind: (value): value is Failure['kind'] => isText(value),
  name: isText,
  message: isText,
  retryable: isFlag,
});

export const isAlive = isObjectOf<{ readonly status: 'ok' }>({
  status: (value): value is 'ok' => value === 'ok',
});

export const isStarted = isObjectOf<Started>({ id: isText, existing: isFlag });

export const isWorkflow = isObjectOf<WorkflowView>({
  id: isText,
  name: isText,
  version: isText,
  state: isWorkflowStatus,
  input: isJsonObject,
  output: maybe(isJsonObject),
  outputs: isRecordOf(isJson),
  tasks: isListOf(isText),
  created_at: isText,
  tags: isRecordOf(isText),
  failure: maybe(isFailure),
});

export const isTask = isObjectOf<TaskView>({
  id: isText,
  workflow_id: isText,
  type: isText,
  step: isText,
  state: isTaskStatus,
  depends_on: isListOf(isText),
  input: isJsonObject,
  attempt: isNumber,
  retry_count: isNumber,
  max_retries: isNumber,
  created_at: isText,
  failure: maybe(isFailure),
});

export const isTaskList = isObjectOf<{ readonly tasks: readonly TaskView[] }>({
  tasks: isListOf(isTask),
});

const isRow = isObjectOf<WorkflowRow>({
  id: isText,
  name: isText,
  version: isText,
  state: isWorkflowStatus,
  seq: isNumber,
  input: isJsonObject,
  output: maybe(isJsonObject),
  created_at: isText,
  tags: isRecordOf(isText),
  task_states: isRecordOf(isNumber),
});

export const isWorkflowList = isObjectOf<{
  readonly workflows: readonly WorkflowRow[];
  readonly next_cursor?: string | null;
}>({
  workflows: isListOf(isRow),
  next_cursor: (value) => value === undefined || value === null || isText(value),
});

export const isStats = isObjectOf<Readonly<Record<WorkflowStatus, number>>>({
  pending: isNumber,
  running: isNumber,
  completed: isNumber,
  failed: isNumber,
  canceled: isNumber,
});

export const isResult = isObjectOf<{ readonly output: JsonObject }>({ output: isJsonObject });

export const isReply = isObjectOf<{ readonly reply: Json }>({ reply: isJson });

/** Whatever is said, it is an object of a door. */
export const isSomething = isJsonObject;

/** problem+json, as far as it is of use here. */
export interface Problem {
  readonly code: string;
  readonly detail: string;
  readonly failure?: Failure | null;
  readonly errors?: readonly { readonly pointer: string; readonly detail: string }[];
}

export const isProblem = isObjectOf<Problem>({
  code: isText,
  detail: isText,
  failure: (value): value is Failure | null | undefined =>
    value === undefined || value === null || isFailure(value),
  errors: maybe(
    isListOf(isObjectOf<{ pointer: string; detail: string }>({ pointer: isText, detail: isText })),
  ),
});
