import type { TaskDefinition, TaskHandler, WorkflowDefinition } from '#actors/definition.ts';
import { didYouMean } from '#actors/did-you-mean.ts';
import type { JsonObject } from '#actors/json.ts';

import { build, withTask } from './build.ts';
import { DefinitionError } from './definition-error.ts';
import type { Draft, SignalStepOptions, StepDraft, WorkflowOptions } from './draft.ts';
import { task } from './task.ts';

/**
 * The fluent face: task types first, then the steps that use them.
 *
 *     new WorkflowBuilder('notification_workflow')
 *       .addTask('send_email', sendEmail, 3)
 *       .addTask('log_activity', logActivity)
 *       .addStep('send_email')
 *       .addStep('log_activity').dependsOn('send_email')
 *       .build();
 *
 * A step is complete when the next call is made; there is no closing word. Dependencies may name steps that come later.
 */
export class WorkflowBuilder {
  readonly #name: string;
  readonly #options: WorkflowOptions;
  #tasks: readonly TaskDefinition[] = [];
  readonly #steps: StepDraft[] = [];

  constructor(name: string, options: WorkflowOptions = {}) {
    this.#name = name;
    this.#options = options;
  }

  /**
   * Adds a task type: a task defined elsewhere, or a type with its handler. `maxRetries` counts attempts after the first;
   * the time between them is that of the default retry policy.
   * @throws DefinitionError
   */
  addTask(definition: TaskDefinition): this;
  addTask<Input = JsonObject>(type: string, handler: TaskHandler<Input>, maxRetries?: number): this;
  addTask(type: string | TaskDefinition, handler?: TaskHandler, maxRetries?: number): this {
    const place = { where: `workflow "${this.#name}"` };
    this.#tasks = withTask(this.#tasks, definitionOf(type, handler, maxRetries), place);
    return this;
  }

  /** Adds a step. A second step of the same type is told apart by `as`. */
  addStep(type: string, { as = type }: { readonly as?: string } = {}): StepBuilder {
    return this.#add({ name: as, task: type, signal: null });
  }

  /** Adds a step that runs nothing: it waits for the signal of its name, whose payload is its output. */
  addSignal(name: string, options: SignalStepOptions = {}): StepBuilder {
    return this.#add({ name, task: null, signal: { ...options } });
  }

  #add(what: Pick<StepDraft, 'name' | 'task' | 'signal'>): StepBuilder {
    const index = this.#steps.push({
      ...what,
      run: null,
      needs: [],
      when: null,
      map: null,
      onError: null,
      whenNeedsSkipped: 'run',
    });
    const change = (changes: Partial<StepDraft>): void => {
      const step = this.#steps[index - 1];
      if (step !== undefined) this.#steps[index - 1] = { ...step, ...changes };
    };
    return new StepBuilder(this, change);
  }

  /**
   * Checks everything and compiles it.
   * @throws DefinitionError that names the culprit
   */
  build(): WorkflowDefinition {
    const draft: Draft = {
      name: this.#name,
      options: this.#options,
      tasks: this.#tasks,
      steps: this.#steps,
    };
    checkTasks(draft);
    return build(draft);
  }
}

/** The step just added; whatever continues the workflow completes it. */
class StepBuilder {
  readonly #workflow: WorkflowBuilder;
  readonly #change: (changes: Partial<StepDraft>) => void;
  #needs: readonly string[] = [];

  constructor(owner: WorkflowBuilder, change: (changes: Partial<StepDraft>) => void) {
    this.#workflow = owner;
    this.#change = change;
  }

  /** Steps that must have ended before this one starts. */
  dependsOn(...steps: readonly string[]): this {
    this.#needs = [...this.#needs, ...steps];
    this.#change({ needs: this.#needs });
    return this;
  }

  /** Runs the step only if this is true of the workflow's input merged with the outputs of the steps before. */
  when(predicate: (merged: JsonObject) => boolean | Promise<boolean>): this {
    const text = String(predicate);
    this.#change({ when: { code: ({ merged }) => predicate(merged), text } });
    return this;
  }

  /** Skips the step when one that it depends on was skipped. Unless this is said it runs then, without that one's output. */
  skipWhenNeedsSkipped(): this {
    this.#change({ whenNeedsSkipped: 'skip' });
    return this;
  }

  /** The step that runs instead of failing the workflow when this one fails for good. */
  onError(step: string): this {
    this.#change({ onError: step });
    return this;
  }

  addTask(definition: TaskDefinition): WorkflowBuilder;
  addTask<Input = JsonObject>(
    type: string,
    handler: TaskHandler<Input>,
    maxRetries?: number,
  ): WorkflowBuilder;
  addTask(
    type: string | TaskDefinition,
    handler?: TaskHandler,
    maxRetries?: number,
  ): WorkflowBuilder {
    return this.#workflow.addTask(definitionOf(type, handler, maxRetries));
  }

  addStep(type: string, options?: { readonly as?: string }): StepBuilder {
    return this.#workflow.addStep(type, options);
  }

  addSignal(name: string, options?: SignalStepOptions): StepBuilder {
    return this.#workflow.addSignal(name, options);
  }

  build(): WorkflowDefinition {
    return this.#workflow.build();
  }
}

export type { StepBuilder };

// ---- helpers ----

function definitionOf(
  type: string | TaskDefinition,
  handler: TaskHandler | undefined,
  maxRetries: number | undefined,
): TaskDefinition {
  if (typeof type !== 'string') return type;
  if (handler === undefined) {
    throw new DefinitionError({
      code: 'MISSING_HANDLER',
      where: `task "${type}"`,
      message: 'there is nothing to run. Give it a handler: addTask(type, handler, maxRetries).',
    });
  }
  return task(type, {
    run: handler,
    ...(maxRetries === undefined ? {} : { retry: { maxRetries } }),
  });
}

function checkTasks({ name, tasks, steps }: Draft): void {
  const types = tasks.map(({ type }) => type);
  const missing = steps.find((step) => step.task !== null && !types.includes(step.task));
  if (missing?.task === undefined || missing.task === null) return;
  throw new DefinitionError({
    code: 'MISSING_HANDLER',
    where: `workflow "${name}"`,
    step: missing.name,
    message: `there is no task type "${missing.task}".${didYouMean(missing.task, types)} Add it with addTask("${missing.task}", handler, maxRetries).`,
  });
}
