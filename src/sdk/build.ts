import type { StandardJSONSchemaV1, StandardSchemaV1 } from '@standard-schema/spec';

import type {
  Graph,
  Step,
  StepCode,
  TaskDefinition,
  WorkflowDefinition,
} from '#actors/definition.ts';
import type { JsonObject } from '#actors/json.ts';

import { DefinitionError } from './definition-error.ts';
import type { Draft, SignalStepOptions, StepDraft } from './draft.ts';
import { checkGraph } from './graph-check.ts';
import { checkName } from './names.ts';
import type { Place } from './policy.ts';
import {
  defaultPriority,
  leftOpen,
  limit,
  retryOf,
  taskOptionsOf,
  wholeRetry,
  wholeTimeouts,
} from './policy.ts';
import { versionOf } from './version.ts';

/**
 * A draft, checked, as the definition that the runtime takes. Both faces end here.
 * @throws DefinitionError for the first thing that cannot work
 */
export function build(draft: Draft): WorkflowDefinition<never, never, never> {
  const { name, options } = draft;
  checkName('workflow', name);
  const where = `workflow "${name}"`;
  for (const step of draft.steps) checkName('step', step.name, where);
  const input = schemaOf(options.input, 'options.input', { where });
  const inputSchema = input === null ? null : jsonSchemaOf(input);
  const steps = draft.steps.map((step) => stepOf(step, draft));
  const unversioned: Omit<Graph, 'version'> = {
    name,
    steps,
    timeoutMs: limit('timeout', options.timeout, { where }) ?? null,
    onFailure: options.onFailure ?? 'cancelSiblings',
    ...(inputSchema === null ? {} : { inputSchema }),
  };
  checkGraph(unversioned);
  return {
    kind: 'workflow',
    graph: { ...unversioned, version: versionOf(unversioned, draft.steps) },
    code: Object.fromEntries(draft.steps.map((step) => [step.name, codeOf(step)])),
    tasks: draft.tasks,
    ...(input === null ? {} : { input }),
  };
}

function stepOf(step: StepDraft, draft: Draft): Step {
  const { name, options, tasks } = draft;
  const place: Place = { where: `workflow "${name}"`, step: step.name };
  if (step.signal !== null) return signalStepOf(step, step.signal, place, name);
  const type = tasks.find((known) => known.type === step.task);
  const own = taskOptionsOf(step, place);
  const retry = [retryOf(options.retry, place) ?? {}, type?.options.retry, own.retry];
  const timeouts = [type?.options.timeouts, own.timeouts];
  const open = leftOpen(retry, timeouts);
  return {
    name: step.name,
    task: step.task ?? step.name,
    queue: step.task ?? `${name}/${step.name}`,
    needs: step.needs,
    retry: wholeRetry(retry, place),
    timeouts: wholeTimeouts(timeouts),
    onError: step.onError,
    conditional: step.when !== null,
    mapped: step.map !== null,
    whenNeedsSkipped: step.whenNeedsSkipped,
    priority: own.priority ?? type?.options.priority ?? defaultPriority,
    isolate: own.isolate ?? type?.options.isolate ?? false,
    ...(open.length === 0 ? {} : { open }),
  };
}

/** What no handler runs for needs none of what is said of handlers: it is waited for once, and for as long as it is let. */
function signalStepOf(
  draft: StepDraft,
  signal: SignalStepOptions,
  place: Place,
  workflow: string,
): Step {
  if (draft.when !== null || 'when' in signal) {
    throw new DefinitionError({
      code: 'BAD_STEP',
      ...place,
      message:
        'it waits for a signal, and conditions are looked at where handlers run. Give the condition to a step before it, and let this one be skipped with that: whenNeedsSkipped: "skip".',
    });
  }
  const known = ['payload', 'timeout'];
  const unknown = Object.keys(signal).filter((key) => !known.includes(key));
  if (unknown.length > 0) {
    throw new DefinitionError({
      code: 'BAD_STEP',
      ...place,
      message: `it waits for a signal, of which ${unknown.join(', ')} says nothing. Besides needs, onError and whenNeedsSkipped it takes ${known.join(' and ')}.`,
    });
  }
  const payload = schemaOf(signal.payload, 'payload', place);
  const schema = payload === null ? null : jsonSchemaOf(payload);
  return {
    name: draft.name,
    task: draft.name,
    queue: `${workflow}/${draft.name}`,
    needs: draft.needs,
    retry: wholeRetry([{ maxAttempts: 1 }], place),
    timeouts: wholeTimeouts([
      { startToCloseMs: null, scheduleToCloseMs: limit('timeout', signal.timeout, place) ?? null },
    ]),
    onError: draft.onError,
    conditional: false,
    mapped: false,
    whenNeedsSkipped: draft.whenNeedsSkipped,
    priority: defaultPriority,
    isolate: false,
    signal: schema === null ? {} : { schema },
  };
}

function codeOf(step: StepDraft): StepCode {
  return {
    ...(step.signal?.payload === undefined ? {} : { payload: step.signal.payload }),
    ...(step.run === null ? {} : { run: step.run }),
    ...(step.when === null ? {} : { when: step.when.code }),
    ...(step.map === null ? {} : { map: step.map.code }),
  };
}

/** Adds a task type. The same definition may come again, another of its name may not. */
export function withTask(
  tasks: readonly TaskDefinition[],
  task: TaskDefinition,
  place: Place,
): readonly TaskDefinition[] {
  const known = tasks.find((other) => other.type === task.type);
  if (known === task) return tasks;
  if (known === undefined) return [...tasks, task];
  throw new DefinitionError({
    code: 'DUPLICATE_TASK',
    ...place,
    message: `the task type "${task.type}" is defined twice, so it would be chance which of the handlers runs. Use one definition for both, or name one differently.`,
  });
}

function schemaOf(
  schema: StandardSchemaV1 | undefined,
  option: string,
  place: Place,
): StandardSchemaV1 | null {
  if (schema === undefined) return null;
  const standard: unknown = schema['~standard'];
  const isSchema =
    typeof standard === 'object' &&
    standard !== null &&
    'validate' in standard &&
    typeof standard.validate === 'function';
  if (isSchema) return schema;
  throw new DefinitionError({
    code: 'BAD_INPUT_SCHEMA',
    ...place,
    message: `${option} is not a Standard Schema, so nothing could be checked. Give it a schema of zod, valibot, arktype or another library that implements Standard Schema.`,
  });
}

/** For people and forms, where the library offers it. A schema without a JSON form checks inputs all the same. */
function jsonSchemaOf(schema: StandardSchemaV1): JsonObject | null {
  if (!hasJsonSchema(schema)) return null;
  try {
    const found = schema['~standard'].jsonSchema.input({ target: 'draft-2020-12' });
    const parsed: JsonObject = JSON.parse(JSON.stringify(found));
    return parsed;
  } catch {
    return null; // the specification lets a library throw for what JSON Schema cannot say
  }
}

function hasJsonSchema(
  schema: StandardSchemaV1,
): schema is StandardSchemaV1 & StandardJSONSchemaV1 {
  return 'jsonSchema' in schema['~standard'];
}
