import type { TaskContext, TaskDefinition } from '#actors/definition.ts';
import type { JsonObject } from '#actors/json.ts';

import { DefinitionError } from './definition-error.ts';
import { checkName } from './names.ts';
import type { RunOptions } from './policy.ts';
import { taskOptionsOf } from './policy.ts';

/** A task type: its handler, and how it is run wherever a step does not say otherwise. */
export interface TypedTaskOptions<Input, Output> extends RunOptions {
  readonly run: (input: Input, context: TaskContext) => Output | Promise<Output>;
}

/**
 * A task type that several steps and workflows can use. The types of its input and output are those of `run`.
 *
 *     const charge = task('charge', { run: (order: { total: number }) => ({ paid: order.total }) });
 *
 * @throws DefinitionError
 */
export function task<Output, Input = JsonObject>(
  type: string,
  options: TypedTaskOptions<Input, Output>,
): TaskDefinition<Input, Output> {
  checkName('task type', type);
  const place = { where: `task "${type}"` };
  if (typeof options.run !== 'function') {
    throw new DefinitionError({
      code: 'MISSING_HANDLER',
      ...place,
      message: 'there is nothing to run. Give it a handler: task(type, { run: (input) => … }).',
    });
  }
  return { kind: 'task', type, run: options.run, options: taskOptionsOf(options, place) };
}
