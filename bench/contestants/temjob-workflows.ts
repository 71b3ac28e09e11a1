import type { JsonObject, TaskContext, WorkflowDefinition } from '#sdk/index.ts';
import { WorkflowBuilder } from '#sdk/index.ts';

import type { Shape } from '../workloads.ts';
import { chain40, fan400, orderProcessing } from '../workloads.ts';

/* The task module that the node and each of its threads import. */

export const orderDefinition = definitionOf(orderProcessing);
export const chainDefinition = definitionOf(chain40);
export const fanDefinition = definitionOf(fan400);

function definitionOf(shape: Shape): WorkflowDefinition {
  const builder = new WorkflowBuilder(shape.name).addTask(`${shape.name}_step`, note);
  for (const { name, needs } of shape.steps) {
    builder.addStep(`${shape.name}_step`, { as: name }).dependsOn(...needs);
  }
  return builder.build();
}

function note(_: JsonObject, { step }: TaskContext): JsonObject {
  return { [step]: true };
}
