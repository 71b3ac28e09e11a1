import type { StandardSchemaV1 } from '@standard-schema/spec';

import type { StepCode, TaskDefinition, TaskHandler } from '#actors/definition.ts';
import type { Duration } from '#actors/duration.ts';

import type { RetryOptions, RunOptions } from './policy.ts';

/** What both faces know of a workflow before it is checked. */
export interface Draft {
  readonly name: string;
  readonly options: WorkflowOptions;
  /** Task types that the author gave, whether a step uses them or not. */
  readonly tasks: readonly TaskDefinition[];
  readonly steps: readonly StepDraft[];
}

/** What holds for a whole workflow. */
export interface WorkflowOptions {
  /** A Standard Schema (zod, valibot, arktype, …): checks the input when a workflow is started, and gives it its type. */
  readonly input?: StandardSchemaV1;
  /** The workflow with all its steps. Default: the limit of the cluster's configuration. */
  readonly timeout?: Duration | null;
  /** What the first failed step does to the steps beside it. Default `'cancelSiblings'`. */
  readonly onFailure?: 'cancelSiblings' | 'letFinish';
  /** For all steps that do not say otherwise. */
  readonly retry?: RetryOptions;
}

export interface StepDraft extends RunOptions {
  readonly name: string;
  /** The name of a task type, unless the handler is written in place. */
  readonly task: string | null;
  readonly run: TaskHandler | null;
  readonly needs: readonly string[];
  readonly when: CodeDraft<NonNullable<StepCode['when']>> | null;
  readonly map: CodeDraft<NonNullable<StepCode['map']>> | null;
  readonly onError: string | null;
  readonly whenNeedsSkipped: 'run' | 'skip';
  /** There when the step waits for a signal instead of running something. */
  readonly signal: SignalStepOptions | null;
}

/** What holds for a step that waits for a signal. */
export interface SignalStepOptions<Schema extends StandardSchemaV1 = StandardSchemaV1> {
  /** Checks the payload, and gives the step's output its type. Without it any JSON will do. */
  readonly payload?: Schema;
  /** How long it is waited for; then the step fails, as `SignalTimeout`. Default: as long as the workflow may take. */
  readonly timeout?: Duration | null;
}

/** A function, and the text its author wrote, which tells versions apart. */
interface CodeDraft<Code> {
  readonly code: Code;
  readonly text: string;
}
